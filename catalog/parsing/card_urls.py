"""Where the links and images of a card may lead."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from urllib.parse import quote, unquote, urlsplit

_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")
_SAFE_IN_PATH = "/~!$&'()*+,;=@"


def image_url(url: str, resolve_base: str, attachments: Collection[str] = ()) -> str | None:
    """The image's address when it lies in the same repo, else None: nothing else is loaded by looking at a card.

    Args:
        attachments: paths of this site besides, whose images the text may show wherever it says they lie.
    """
    if (attached := _attached(url, attachments)) is not None:
        return attached
    path = _local_path(url)
    if path is None or not path:
        return None
    if path.startswith("/"):
        plain = _normal(path)
        return plain if plain.startswith(_resolve_root(resolve_base)) else None
    return resolve_base.rstrip("/") + _normal(path)


def link_url(url: str, resolve_base: str) -> str | None:
    """The link's address: relative ones lead to the file's page, `#x` to the heading of that name; None drops it."""
    if url.startswith("#"):
        return f"#user-content-{url[1:].removeprefix('user-content-')}"
    path = _local_path(url)
    if path is None:
        return url if _is_allowed_elsewhere(url) else None
    if not path or path.startswith("/"):
        return url
    base = resolve_base.rstrip("/")
    repo, found, revision = base.rpartition("/resolve/")
    page = f"{repo}/blob/{revision}" if found else base
    fragment = urlsplit(url).fragment
    return page + _normal(path) + (f"#{quote(fragment)}" if fragment else "")


def _attached(url: str, attachments: Collection[str]) -> str | None:
    if not attachments or _CONTROL.search(url):
        return None
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    return path if path in attachments else None


def _local_path(url: str) -> str | None:
    """The path of an address without scheme and host; None for any other address."""
    if _CONTROL.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return None if parts.scheme or parts.netloc or url.startswith("//") else parts.path


def _is_allowed_elsewhere(url: str) -> bool:
    return re.match(r"(?:https?://|mailto:)", url, re.IGNORECASE) is not None and not _CONTROL.search(url)


def _normal(path: str) -> str:
    """The path from its root on, decoded once, with `..` resolved and never above the root."""
    return quote(posixpath.normpath("/" + unquote(path).lstrip("/")), safe=_SAFE_IN_PATH)


def _resolve_root(resolve_base: str) -> str:
    repo, found, _ = resolve_base.rpartition("/resolve/")
    return f"{repo}/resolve/" if found else f"{resolve_base.rstrip('/')}/"
