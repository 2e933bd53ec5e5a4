"""What an import gives."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.benchmarks.strict import bad, parse_yaml

UNKNOWN = "unknown"  # a revision nobody gave


@dataclass(frozen=True)
class Draft:
    """A definition as YAML, and what was guessed, left out, or has to be decided."""

    text: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Hints:
    """What the document does not say itself."""

    dataset: str = ""  # owner/name, where the document lies in its dataset
    revision: str = ""  # 40 hex digits
    task: str = ""  # which of several tasks


def mapping_of(text: str) -> dict[str, Any]:
    """The document as a mapping, without code, aliases and repeated keys. Raises BadDefinition."""
    found = re.search(r"(?m)^.*!function.*$", text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise bad("", f"line {line} calls a function (!function): a definition is data and never runs code.")
    value = parse_yaml(text)
    if not isinstance(value, dict):
        raise bad("", "the document is not a mapping of names to values.")
    return {str(key): item for key, item in value.items()}


def slug(name: str) -> str:
    """An id out of any name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80].strip("-") or "imported"


def list_of(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def text_at(found: Mapping[str, Any], key: str, default: str = "") -> str:
    """A text of the document. Raises BadDefinition: something else stands there."""
    value = found.get(key)
    if value is None:
        return default
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise bad(key, "expected text.")
    return str(value)


def mapping_at(found: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A mapping of the document, empty where there is none. Raises BadDefinition."""
    value = found.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad(key, "expected a mapping.")
    return value
