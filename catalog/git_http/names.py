"""Addresses git uses for a repo: with `.git` at the end or without."""

from __future__ import annotations


def repo_name(segment: str) -> str:
    """The name of a repo as it stands in a clone address; no repo's own name ends in `.git`."""
    return segment[:-4] if segment.lower().endswith(".git") else segment
