"""Pages of rows, newest first, by a cursor that says where the last page ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from catalog.errors import BadInput, InvalidCursor
from catalog.hub_api import wire

LARGEST_PAGE: Final = 100
M = TypeVar("M", bound=Model)


def page_of(
    request: HttpRequest, rows: QuerySet[M], listing: list[str], shape: Callable[[M], dict[str, Any]]
) -> HttpResponse:
    """Returns one page of these rows, by falling primary key, and the `Link` to the next.

    Args:
        listing: what names this list, so that a cursor fits no other.
    """
    size = page_size(request)
    last = wire.opened_cursor(request, listing)
    if last is not None:
        if not last.isdigit():
            raise InvalidCursor
        rows = rows.filter(pk__lt=int(last))
    found = list(rows.order_by("-pk")[: size + 1])
    shown = found[:size]
    cursor = wire.sealed_cursor(listing, str(shown[-1].pk)) if len(found) > size else None
    return wire.page(request, [shape(row) for row in shown], cursor)


def page_size(request: HttpRequest) -> int:
    """Returns `limit` within reason. Raises `BadInput`."""
    text = request.GET.get("limit", "")
    if not text:
        return LARGEST_PAGE
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadInput(_('"limit" must be a number'))
    return min(max(int(text), 1), LARGEST_PAGE)
