"""Reading what clients send: bounded, by declared media type, big bodies piece by piece.

`request.body` would hold everything in memory, and `request.POST` has limits made for forms, so
neither is used here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import parse_qs

from django.http import HttpRequest, UnreadablePostError
from django.utils.translation import gettext as _

from catalog.errors import BadInput, SizeMismatch, TooLarge
from marketplace import draining
from marketplace.direct_body import direct_body

MIB = 1024 * 1024
PIECE_BYTES = MIB
LONGEST_JSON_BYTES = 8 * MIB
DEEPEST_JSON = 64
MOST_FORM_FIELDS = 20_000
DRAINED = {True: (512 * MIB, 30.0), False: (4 * MIB, 5.0)}  # bytes and seconds, by whether we know who sends

Json = dict[str, Any]


class Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


def json_body(request: HttpRequest, *, optional: bool = False) -> Json:
    """Returns the JSON object of the body; `optional` reads an empty body as `{}`.

    Raises:
        BadInput: another media type, no JSON, or no object.
        TooLarge: more than 8 MiB.
    """
    media_type = (request.content_type or "").lower()
    data = _bounded(request)
    if optional and not data:
        return {}
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise BadInput(_("the body must be application/json"))
    return parsed_object(data)


def parsed_object(data: bytes) -> Json:
    """Returns the JSON object in these bytes. Raises `BadInput`."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise BadInput(_("the body is not valid JSON")) from None
    if not isinstance(value, dict):
        raise BadInput(_("a JSON object is expected"))
    if _depth_exceeds(value, DEEPEST_JSON):
        raise BadInput(_("the JSON is nested too deeply"))
    return value


def form_or_json(request: HttpRequest) -> Json:
    """Returns the fields of a form (every value a list) or of a JSON object. Raises as `json_body`."""
    if (request.content_type or "").lower() != "application/x-www-form-urlencoded":
        return json_body(request)
    try:
        return dict(parse_qs(_bounded(request).decode(), keep_blank_values=True, max_num_fields=MOST_FORM_FIELDS))
    except ValueError:
        raise BadInput(_("the form is not valid")) from None


def pieces(request: HttpRequest) -> Iterator[bytes]:
    """Yields the body as it comes in.

    Raises:
        SizeMismatch: it ended before its announced length.
    """
    announced, source = content_length(request), _source(request)
    received = 0
    while piece := _read(source, PIECE_BYTES):
        received += len(piece)
        yield piece
    if announced is not None and received < announced:
        raise SizeMismatch(
            _("the body ended after %(received)s of %(announced)s bytes")
            % {"received": received, "announced": announced}
        )


def views(request: HttpRequest) -> Iterator[memoryview]:
    """Yields the body in full MiBs, each valid until the next is asked for. Raises as `pieces`.

    Under gunicorn the bytes come straight from the socket: its own way to `read` costs fifteen times the time.
    """
    direct = direct_body(request.META)
    if direct is None:
        for piece in pieces(request):
            yield memoryview(piece)
        return
    announced, buffer = direct.left, memoryview(bytearray(min(PIECE_BYTES, max(direct.left, 1))))
    try:
        while size := direct.readinto(buffer):
            yield buffer[:size]
    except OSError:
        raise SizeMismatch(_("the connection broke before the whole body had arrived")) from None
    if direct.left:
        raise SizeMismatch(
            _("the body ended after %(value)s of %(announced)s bytes")
            % {"value": announced - direct.left, "announced": announced}
        )


def content_length(request: HttpRequest) -> int | None:
    text = request.META.get("CONTENT_LENGTH") or ""
    return int(text) if text.isascii() and text.isdigit() else None


def drain(request: HttpRequest, *, trusted: bool) -> None:
    """Read and forget what is left of a body, within reason."""
    source, (most_bytes, most_seconds) = _source(request), DRAINED[trusted]
    draining.drain(request, lambda size: _read(source, size), most_bytes=most_bytes, most_seconds=most_seconds)


def text_field(body: Json, name: str) -> str:
    """Returns a required string. Raises `BadInput`."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise BadInput(_("%(name)r must be a non-empty string") % {"name": name})
    return storable(value, name)


def optional_text(body: Json, name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise BadInput(_("%(name)r must be a string") % {"name": name})
    return value if value is None else storable(value, name)


def storable(text: str, name: str) -> str:
    """Returns the text when a database can hold it: no NUL, no half of a surrogate pair. Raises `BadInput`."""
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise BadInput(_("%(name)r contains characters that are no text") % {"name": name})
    return text


def list_field(body: Json, name: str, *, most: int) -> list[Any]:
    """Returns a required list. Raises `BadInput`, `TooLarge`."""
    value = body.get(name)
    if not isinstance(value, list):
        raise BadInput(_("%(name)r must be a list") % {"name": name})
    if len(value) > most:
        raise TooLarge(_("%(name)r may have at most %(most)s items") % {"name": name, "most": most})
    return value


def flag(request: HttpRequest, name: str) -> bool:
    """Whether a query parameter says `true`."""
    return request.GET.get(name, "").lower() in ("true", "1")


def words(request: HttpRequest, name: str) -> list[str]:
    """Returns a repeated query parameter, also in the spelling `name[]`."""
    return [word for word in [*request.GET.getlist(name), *request.GET.getlist(f"{name}[]")] if word]


def _bounded(request: HttpRequest) -> bytes:
    announced = content_length(request)
    if announced is not None and announced > LONGEST_JSON_BYTES:
        raise TooLarge(
            _("the body may have at most %(longest_json_bytes)s bytes") % {"longest_json_bytes": LONGEST_JSON_BYTES}
        )
    kept = bytearray()
    for piece in pieces(request):
        kept += piece
        if len(kept) > LONGEST_JSON_BYTES:
            raise TooLarge(
                _("the body may have at most %(longest_json_bytes)s bytes") % {"longest_json_bytes": LONGEST_JSON_BYTES}
            )
    return bytes(kept)


def _source(request: HttpRequest) -> Reader:
    """What to read from: Django takes a body without announced length (chunked) for empty, the server knows better."""
    if content_length(request) is None and request.META.get("wsgi.input_terminated"):
        source: Reader = request.META["wsgi.input"]
        return source
    return request


def _read(source: Reader, size: int) -> bytes:
    try:
        return source.read(size)
    except (UnreadablePostError, OSError):
        raise SizeMismatch(_("the connection broke before the whole body had arrived")) from None


def _depth_exceeds(value: object, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if depth == 0:
        return True
    children = value.values() if isinstance(value, dict) else value
    return any(_depth_exceeds(child, depth - 1) for child in children)
