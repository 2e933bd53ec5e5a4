"""What is measured: definitions (YAML, data only) and the readers of their data."""
