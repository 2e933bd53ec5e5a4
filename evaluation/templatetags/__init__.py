"""Look-ups for templates of the catalogue, which may not import evaluation."""
