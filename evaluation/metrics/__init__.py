"""Numbers from predictions and gold: trusted, pure, without torch."""
