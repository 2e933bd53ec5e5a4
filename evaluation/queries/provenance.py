"""A signed record as a table for people: group by group, in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from evaluation.models import Record

LEFT_OUT: Final = frozenset(
    {"scores", "measured", "signature", "diagnostics"}
)  # they have tables of their own, or are raw figures
LONGEST: Final = 300  # characters of one value


@dataclass(frozen=True)
class Group:
    title: str
    rows: list[tuple[str, str]]


def provenance_table(record: Record | None) -> list[Group]:
    """Every field of the record that is known, in its groups; empty without a record."""
    if record is None:
        return []
    body = json.loads(record.body)
    signed = [("key", record.key_id), ("signature", record.signature)]
    found = [Group(title, list(_rows(body.get(name, {})))) for name, title in _titles()]
    return [group for group in (*found, Group(_("Signature"), signed)) if group.rows]


def _titles() -> list[tuple[str, str]]:
    return [
        ("identity", _("Identity")), ("model", _("Model")), ("benchmark", _("Benchmark")), ("engine", _("Engine")),
        ("metrics", _("Metrics")), ("uncertainty", _("Uncertainty")),
        ("hardware", _("Hardware, as the node states it")),
        ("result", _("Result")), ("trust", _("Trust")), ("rescoring", _("Re-scoring")),
    ]  # fmt: skip


def _rows(part: Any, before: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401  any JSON
    if isinstance(part, dict):
        for name, value in part.items():
            if name not in LEFT_OUT or before:
                yield from _rows(value, f"{before}.{name}" if before else name)
    elif isinstance(part, list) and part and all(isinstance(one, dict) for one in part):
        for at, one in enumerate(part, start=1):
            yield from _rows({key: value for key, value in one.items() if key != "name"}, str(one.get("name", at)))
    elif part not in (None, "", [], {}):
        text = ", ".join(map(str, part)) if isinstance(part, list) else str(part)
        yield before, text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
