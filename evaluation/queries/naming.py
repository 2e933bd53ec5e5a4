"""How cards name data and metrics, and whether they mean ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.models import Benchmark


def plain(name: object) -> str:
    """`Accuracy@10` and `accuracy at 10` stay apart, `Macro F1` and `macro_f1` do not."""
    return re.sub(r"[\s_-]+", "_", str(name or "").strip().casefold())


def named_filters(filters: Sequence[Any]) -> str:
    """What is done to written answers before they are compared, as one word; a filter is a name or has one."""
    names = [one.get("name", "") if isinstance(one, Mapping) else getattr(one, "name", one) for one in filters]
    return "+".join(str(name) for name in names if name)


def names_of(benchmark: Benchmark) -> set[str]:
    """What a claim about this benchmark may call it: itself or its data."""
    data = str(benchmark.definition.get("dataset", {}).get("repo", ""))
    return {plain(benchmark.slug), plain(benchmark.title), plain(data), plain(data.removeprefix("builtin:"))} - {""}
