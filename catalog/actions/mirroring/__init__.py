"""Repos whose truth is on another hub."""
