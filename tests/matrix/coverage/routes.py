"""The routes of the Hub's API as the URL conf has them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

import catalog.converters  # noqa: F401  # registers what the routes are written with

FACES = ("catalog.hub_api.urls", "catalog.hub_api.file_urls", "catalog.git_http.urls")
# The same route for other kinds of repo; a model's stands for all.
OTHER_KINDS = re.compile(r"^(?:datasets|spaces)/(?=<)")
VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")


def readable(route: str) -> str:
    """`api/<kinds:kind>/<segment:owner>/…` as people write it: `/api/{kind}/{owner}/…`."""
    return "/" + VARIABLE.sub(r"{\1}", OTHER_KINDS.sub("", route))


def served_routes() -> list[str]:
    """Readable routes that have a view of their own; catch-alls (regular expressions) are not among them."""
    found = {readable(route): None for face in FACES for route in _routes(get_resolver(face))}
    return list(found)


def _routes(resolver: URLResolver) -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern) and isinstance(entry.pattern, RoutePattern):
            yield str(entry.pattern)
