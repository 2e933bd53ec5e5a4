"""Repos, their history and bytes, and everything people say about them."""
