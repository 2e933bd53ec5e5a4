"""What an operator runs: collection, scrub, repair, purge, backup."""
