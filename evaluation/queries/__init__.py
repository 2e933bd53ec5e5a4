"""Reads over many rows of evaluation."""
