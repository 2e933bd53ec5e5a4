"""Percent-encoded paths stay encoded (decision 22): `refs%2Fpr%2F1` is one segment of a URL."""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
VISIBLE_ASCII = "".join(chr(code) for code in range(0x21, 0x7F))


def encoded_path(raw_uri: str) -> str:
    """The path of a request line's target, ASCII and still percent-encoded, so `refs%2Fpr%2F1` is one segment.

    Escapes of unreserved characters are the same path (RFC 3986, 6.2.2), so they are undone: `%61pi` is `api`.
    What a URL converter gets must be decoded exactly once, there.

    Args:
        raw_uri: `/path?query`, `http://host/path?query` or `*`, bytes above ASCII as latin-1.
    """
    target = raw_uri.partition("?")[0].partition("#")[0]
    if not target.startswith("/"):
        _, is_absolute, rest = target.partition("://")
        target = "/" + rest.partition("/")[2] if is_absolute else "/"
    return ESCAPE.sub(_normal_escape, quote(target.encode("latin-1", "replace"), safe=VISIBLE_ASCII))


def _normal_escape(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in UNRESERVED else match[0].upper()


class EncodedPathRequest(WSGIRequest):
    """A request whose path is encoded already and must not be encoded a second time in links to itself."""

    def get_full_path(self, force_append_slash: bool = False) -> str:  # noqa: FBT001, FBT002  Django's signature
        return self._with_query(self.path)

    def get_full_path_info(self, force_append_slash: bool = False) -> str:  # noqa: FBT001, FBT002  Django's signature
        return self._with_query(self.path_info)

    def _with_query(self, path: str) -> str:
        query = self.META.get("QUERY_STRING", "")
        # Two slashes in front would name another host.
        path = "/%2F" + path[2:] if path.startswith("//") else path
        return f"{path}?{quote(query, safe=VISIBLE_ASCII)}" if query else path


class EncodedPathHandler(WSGIHandler):
    """Django's handler, given the path as the client sent it."""

    request_class = EncodedPathRequest

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:  # noqa: ANN401  as Django's
        keep_encoded(environ)
        return super().__call__(environ, start_response)


def keep_encoded(environ: "WSGIEnvironment") -> None:
    """Put the encoded path into PATH_INFO, below SCRIPT_NAME where the site hangs under a prefix."""
    raw_uri = environ.get("RAW_URI")
    if raw_uri is None:
        return  # another server: its decoded path is all there is
    path = encoded_path(raw_uri)
    prefix = environ.get("SCRIPT_NAME", "").rstrip("/")
    if prefix and (path == prefix or path.startswith(prefix + "/")):
        path = path[len(prefix) :] or "/"
    environ["PATH_INFO"] = path
