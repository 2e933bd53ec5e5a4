"""What nodes send, checked for shape: types, lengths, ranges. Whether it is true is nobody's claim."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext as _

from catalog.errors import BadInput, TooLarge
from catalog.hub_api.bodies import content_length, json_body, text_field
from evaluation.actions.leases import PHASES, Report

MOST_LINES: Final = 500
LONGEST_FACTS: Final = 16_384  # characters of JSON
LARGEST_COUNT: Final = 10**12
MOST_CONVERTED: Final = 500
_WEIGHTS: Final = re.compile(r"[\w.-]{1,100}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def report_of(request: HttpRequest) -> Report:
    """The body of a heartbeat. Raises `BadInput`."""
    body = json_body(request)
    phase = text_field(body, "phase")
    if phase not in PHASES:
        raise BadInput(_("phase must be one of %(names)s") % {"names": ", ".join(PHASES)})
    return Report(
        phase=phase,
        done=int(_number(body, "done")),
        total=int(_number(body, "total")),
        rate=_number(body, "rate"),
        log=lines_of(body, "log"),
    )


def lines_of(body: dict[str, Any], name: str) -> tuple[str, ...]:
    """The last lines of a log, sent as a list or as one text. Raises `BadInput`."""
    value = body.get(name) or []
    lines = value.splitlines() if isinstance(value, str) else value
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise BadInput(_("%(name)r must be a list of strings") % {"name": name})
    return tuple(lines[-MOST_LINES:])


def facts_of(body: dict[str, Any], name: str) -> dict[str, Any]:
    """A small object that is kept as it is. Raises `BadInput`, `TooLarge`."""
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise BadInput(_("%(name)r must be an object") % {"name": name})
    text = json.dumps(value)
    if len(text) > LONGEST_FACTS:
        raise TooLarge(
            _("%(name)r may have at most %(longest_facts)s characters") % {"name": name, "longest_facts": LONGEST_FACTS}
        )
    if "\\u0000" in text or "NaN" in text or "Infinity" in text:
        raise BadInput(_("%(name)r holds what cannot be stored") % {"name": name})
    return value


def converted_of(request: HttpRequest) -> dict[str, Any]:
    """Weights that the node converted, by new name: from which file, its sha256 and size. Raises `BadInput`."""
    found = json_body(request, optional=True).get("converted") or {}
    if not isinstance(found, dict) or len(found) > MOST_CONVERTED:
        raise BadInput(_("'converted' must be an object of at most %(count)d files") % {"count": MOST_CONVERTED})
    for name, facts in found.items():
        is_told = isinstance(facts, dict) and set(facts) == {"from", "sha256", "size"}
        if not is_told or not _is_converted(name, facts):
            raise BadInput(_("'converted' must tell of each file 'from', 'sha256' and 'size'"))
    return found


def _is_converted(name: str, facts: dict[str, Any]) -> bool:
    names = _WEIGHTS.fullmatch(name) and _WEIGHTS.fullmatch(str(facts["from"]))
    return bool(names and _SHA256.fullmatch(str(facts["sha256"])) and type(facts["size"]) is int)


def run_id_of(request: HttpRequest) -> int | None:
    """The run a claim asks for; None takes the next one. Raises `BadInput`."""
    value = json_body(request, optional=True).get("run_id")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str) or not re.fullmatch(r"\d{1,18}", str(value)):
        raise BadInput(_("'run_id' must be a number or null"))
    return int(value)


def wait_of(request: HttpRequest) -> float:
    """Seconds from `?wait=`; 0 where there is none."""
    text = request.GET.get("wait", "")
    return float(text) if re.fullmatch(r"\d{1,3}(\.\d{1,3})?", text) else 0.0


def announced(request: HttpRequest) -> tuple[int, str]:
    """Size and sha256 of an upload, both required. Raises `BadInput`."""
    size, sha256 = content_length(request), request.headers.get("X-Content-SHA256", "").lower()
    if size is None:
        raise BadInput(_("a Content-Length is required"))
    if not _SHA256.fullmatch(sha256):
        raise BadInput(_("X-Content-SHA256 must be 64 hex digits"))
    return size, sha256


def _number(body: dict[str, Any], name: str) -> float:
    value = body.get(name)
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadInput(_("%(name)r must be a number") % {"name": name})
    if not 0 <= value <= LARGEST_COUNT:
        raise BadInput(_("%(name)r is out of range") % {"name": name})
    return float(value)
