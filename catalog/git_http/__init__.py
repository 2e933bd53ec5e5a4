"""Face for git itself: smart HTTP, protocols v0 and v2; its wire words stay inside."""
