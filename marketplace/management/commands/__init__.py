"""`up`, and `migrate` one at a time."""
