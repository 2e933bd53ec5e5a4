"""Benchmark definitions: YAML without code, parsed strictly, identified by a hash (evaluation-notes 2)."""

import dataclasses
import functools
import hashlib
import json
from pathlib import Path
from typing import Any

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
    body = {key: value for key, value in _plain(definition).items() if key not in NOT_HASHED}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(part: Any) -> Any:  # noqa: ANN401 (any value of a definition)
    """Like dataclasses.asdict, but without what the schema learnt later and this definition does not use."""
    if not dataclasses.is_dataclass(part):
        return [_plain(item) for item in part] if isinstance(part, tuple) else part
    fields = dataclasses.fields(part)
    used = [field for field in fields if not field.metadata.get("later") or getattr(part, field.name) != field.default]
    return {field.name: _plain(getattr(part, field.name)) for field in used}


def run_spec(definition: Definition) -> dict[str, object]:
    """What a runner has to know: the definition's part of one run in spec.json. No labels of items, no data."""
    return {
        "request": definition.request,
        "labels": {str(number): name for number, name in definition.labels.items()} if definition.labels else None,
        "preprocess": dataclasses.asdict(definition.preprocess),
        "seed": definition.seed,
        "dtype": definition.dtype,
        "limits": dataclasses.asdict(definition.limits),
        "efficiency": dataclasses.asdict(definition.efficiency) if definition.efficiency else None,
        "interpret": dataclasses.asdict(definition.interpret) if definition.interpret else None,
        "options": _options(definition),
    }


def _options(definition: Definition) -> dict[str, object]:
    """What single requests need besides: how prompts are framed, how long and by what search answers grow."""
    parts = {"prompt": definition.prompt, "generation": definition.generation}
    options: dict[str, object] = {name: dataclasses.asdict(part) for name, part in parts.items() if part is not None}
    options |= {"languages": list(definition.languages)} if definition.languages else {}
    return options | ({"multi_label": True} if definition.multi_label else {})


@functools.cache
def _carried(name: str) -> tuple[Definition, ...]:
    folder = Path(__file__).parent / name
    return tuple(load_definition(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml")))


def builtin_definitions() -> list[Definition]:
    """The definitions that come with the program and whose data does, too; by id."""
    return list(_carried("builtin"))


def library_definitions() -> list[Definition]:
    """Those of the field's standard datasets, which run once their data is mirrored here; by id."""
    return list(_carried("library"))
