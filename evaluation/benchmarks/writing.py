"""Definitions as YAML again: what has its default is left out, so that people read only what was decided."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import yaml

from evaluation.benchmarks.schema import Definition

ORDER = (
    "schema", "id", "version", "supersedes", "title", "summary", "task", "tasks", "languages", "status",
    "dataset", "fields", "labels", "preprocess", "request", "prompt", "generation", "filters", "metrics",
)  # fmt: skip


def to_yaml(definition: Definition) -> str:
    """One document that `load_definition` reads as an equal definition."""
    found = _sparse(definition)
    found["schema"] = definition.schema
    ordered = {key: found[key] for key in ORDER if key in found} | found
    return dump(ordered)


def dump(value: Mapping[str, Any]) -> str:
    """Plain values as YAML, in their order, without anchors."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Writes equal lists twice instead of referring to the first, which our reader refuses."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _sparse(part: Any) -> dict[str, Any]:  # noqa: ANN401 (any dataclass of the schema)
    found: dict[str, Any] = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        if value != default:
            found[field.name] = _plain(value)
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401 (likewise)
    if dataclasses.is_dataclass(value):
        return _sparse(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
