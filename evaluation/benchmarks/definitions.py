"""Benchmark definitions: YAML without code, parsed strictly, identified by a hash (evaluation-notes 2)."""

import dataclasses
import functools
import hashlib
import json
from pathlib import Path

from evaluation.benchmarks.checks import check
from evaluation.benchmarks.schema import Definition
from evaluation.benchmarks.strict import build, parse_yaml

NOT_HASHED = frozenset({"title", "summary", "status", "reference", "limits"})


def load_definition(text: str) -> Definition:
    """The definition in one YAML document.

    Raises:
        BadDefinition: with the path of the key and a sentence.
    """
    definition = build(Definition, parse_yaml(text))
    check(definition)
    return definition


def definition_hash(definition: Definition) -> str:
    """SHA-256 of the canonical JSON of all that can change a number; 64 hex digits."""
    body = {key: value for key, value in dataclasses.asdict(definition).items() if key not in NOT_HASHED}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def run_spec(definition: Definition) -> dict[str, object]:
    """What a runner has to know: the definition's part of one run in spec.json. No labels of items, no data."""
    return {
        "request": definition.request,
        "labels": {str(number): name for number, name in definition.labels.items()} if definition.labels else None,
        "preprocess": dataclasses.asdict(definition.preprocess),
        "seed": definition.seed,
        "dtype": definition.dtype,
        "limits": dataclasses.asdict(definition.limits),
    }


@functools.cache
def _builtin() -> tuple[Definition, ...]:
    folder = Path(__file__).parent / "builtin"
    return tuple(load_definition(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml")))


def builtin_definitions() -> list[Definition]:
    """The definitions that come with the program, by id."""
    return list(_builtin())
