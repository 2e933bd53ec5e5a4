"""Query parameters, and the shape of a page in the schema."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from catalog.errors import BadInput

LONGEST_TEXT = 600  # characters; cursors are the longest


def text_of(request: Request, name: str) -> str:
    """The parameter, "" where it is absent. Raises `BadInput` when it is unreasonably long."""
    text = request.query_params.get(name, "")
    if len(text) > LONGEST_TEXT or "\0" in text:
        raise BadInput(_("%(name)r is too long or holds a NUL") % {"name": name})
    return text


def number_of(request: Request, name: str) -> int | None:
    """A whole number, None where it is absent. Raises `BadInput`."""
    text = text_of(request, name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadInput(_("%(name)r must be a whole number") % {"name": name})
    return int(text)


@cache
def page_of(item: type[serializers.BaseSerializer[Any]]) -> serializers.Serializer[Any]:
    """`{"results": […], "next": address or null}` for the schema; one component for each kind of item."""
    return inline_serializer(
        f"{item.__name__.removesuffix('Out')}Page",
        {"results": item(many=True), "next": serializers.URLField(allow_null=True)},
    )
