"""FACE 3 of evaluation: HTML."""
