"""FACE 3 of the catalogue: HTML."""
