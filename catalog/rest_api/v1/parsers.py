"""Bodies: JSON of a size and depth that an honest client sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, Final

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from catalog.errors import TooLarge

LARGEST_BODY: Final = 1024 * 1024  # bytes
DEEPEST_JSON: Final = 64


class BoundedJSONParser(JSONParser):
    """Refuses what is larger or deeper before anything looks at it."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  any JSON
        body = stream.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            raise TooLarge(
                _("A request body may have at most %(largest_body)s bytes.") % {"largest_body": LARGEST_BODY}
            )
        try:
            parsed = json.loads(body.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise ParseError(_("The body is not valid JSON.")) from None
        if _depth(parsed) > DEEPEST_JSON:
            raise ParseError(_("The JSON is nested deeper than %(deepest_json)s.") % {"deepest_json": DEEPEST_JSON})
        return parsed


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level and depth <= DEEPEST_JSON:
        depth += 1
        nested = [item for item in level if isinstance(item, dict | list)]
        level = [inner for item in nested for inner in (item.values() if isinstance(item, dict) else item)]
    return depth
