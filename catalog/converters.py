"""URL segments. Paths reach Django still percent-encoded (decision 22), so each converter decodes once.

`reverse()` would encode a second time; links are built by `catalog/links.py` instead.
"""

from __future__ import annotations

from urllib.parse import unquote

from django.urls import register_converter

from catalog.models import Repo
from catalog.parsing.names import RESERVED


class Segment:
    """One path segment: a namespace, a repo name, a user, a revision such as `refs%2Fpr%2F1`."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return _decoded(value)

    def to_url(self, value: str) -> str:
        return value


class Revision(Segment):
    """A revision, encoded as one segment; `refs/pr/1` and its like also with its slashes, as browsers send it."""

    regex = "refs/(?:heads|tags|pr|convert)/[^/]+|[^/]+"


class Owner(Segment):
    """A namespace: any segment that is not a reserved word, so that `/datasets/ann/scores` is no model's page."""

    def to_python(self, value: str) -> str:
        name = _decoded(value)
        if name.lower() in RESERVED:
            raise ValueError("a reserved word")
        return name


class FilePath(Segment):
    """The rest of the URL: a path inside a repo, slashes encoded or not."""

    regex = ".+"


class Kinds:
    """`models`, `datasets` or `spaces`, as the Hub's API spells repo types in URLs."""

    regex = "models|datasets|spaces"

    def to_python(self, value: str) -> str:
        return Repo.Kind(value.removesuffix("s")).value

    def to_url(self, value: str) -> str:
        return f"{value}s"


def _decoded(value: str) -> str:
    """Raises `ValueError`, which Django reads as "no such URL"."""
    text = unquote(value, errors="strict")  # a UnicodeDecodeError is a ValueError
    if "\0" in text:
        raise ValueError("a NUL is in no name and no path")
    return text


register_converter(Segment, "segment")
register_converter(Revision, "revision")
register_converter(Owner, "owner")
register_converter(FilePath, "filepath")
register_converter(Kinds, "kinds")
