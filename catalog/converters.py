"""URL segments. Paths reach Django still percent-encoded (decision 22), so each converter decodes once.

`reverse()` would encode a second time; links are built by `catalog/links.py` instead.
"""

from __future__ import annotations

from urllib.parse import unquote

from django.urls import register_converter

from catalog.models import Repo


class Segment:
    """One path segment: a namespace, a repo name, a user, a revision such as `refs%2Fpr%2F1`."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return _decoded(value)

    def to_url(self, value: str) -> str:
        return value


class FilePath(Segment):
    """The rest of the URL: a path inside a repo, slashes encoded or not."""

    regex = ".+"


class Kinds:
    """`models` or `datasets`, as the Hub's API spells repo types in URLs."""

    regex = "models|datasets"

    def to_python(self, value: str) -> str:
        return {"models": Repo.Kind.MODEL, "datasets": Repo.Kind.DATASET}[value].value

    def to_url(self, value: str) -> str:
        return f"{value}s"


def _decoded(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None  # Django reads this as "no such URL"


register_converter(Segment, "segment")
register_converter(FilePath, "filepath")
register_converter(Kinds, "kinds")
