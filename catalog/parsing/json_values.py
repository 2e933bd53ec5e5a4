"""JSON as a type, and a reader that hostile input can neither exhaust nor deceive."""

from __future__ import annotations

import json
import math
from typing import Final, NoReturn, TypeAlias

from django.utils.translation import gettext as _

from catalog.errors import BadMetadata

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

DEEPEST_JSON: Final = 64
_LONGEST_NUMBER = 400  # digits


def read_json(data: bytes | str, *, what: str, deepest: int = DEEPEST_JSON) -> Json:
    """The value, with no duplicate keys, no NaN, and nothing that our database cannot hold.

    Args:
        what: names the input in the error, e.g. "config.json".

    Raises:
        BadMetadata: with a sentence that says what is wrong.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadMetadata(_("%(what)s is not valid UTF-8.") % {"what": what}) from None
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_bounded_int,
        )
    except json.JSONDecodeError as error:
        raise BadMetadata(
            _("%(what)s is not valid JSON: %(msg)s in line %(lineno)s.")
            % {"what": what, "msg": error.msg, "lineno": error.lineno}
        ) from None
    except (ValueError, RecursionError) as error:
        raise BadMetadata(_("%(what)s is not acceptable JSON: %(error)s.") % {"what": what, "error": error}) from None
    if _is_deeper_than(value, deepest):
        raise BadMetadata(_("%(what)s is nested deeper than %(deepest)s levels.") % {"what": what, "deepest": deepest})
    return _storable(value)


def storable_text(text: str) -> str:
    """The text without what PostgreSQL refuses: NUL and lone surrogates."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _storable(value: Json) -> Json:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {key: _storable(item) for key, item in value.items()}
    return value


def _is_deeper_than(value: Json, levels: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    inner = value if isinstance(value, list) else value.values()
    return levels == 0 or any(_is_deeper_than(item, levels - 1) for item in inner)


def _unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = {storable_text(key): value for key, value in pairs}
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _bounded_int(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return int(text)
