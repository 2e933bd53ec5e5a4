"""The YAML between the first two `---` lines of a README, as plain JSON values.

A subset on purpose: no anchors, aliases or tags, bounded in bytes and depth. Plain words are read as YAML 1.2
reads them, like the Hub does: the language `no` is Norwegian and not False, and a date stays the text it is.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

import yaml
from django.utils.translation import gettext as _

from catalog.errors import BadMetadata
from catalog.parsing.json_values import Json, storable_text

LONGEST_FRONT_MATTER_BYTES: Final = 64 * 1024
DEEPEST_FRONT_MATTER: Final = 16

_FENCE = re.compile(r"---[ \t]*")


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field of a card; `field` is "" when the whole is meant."""

    field: str
    message: str


class _Loader(yaml.CSafeLoader):
    """Resolves plain words by the JSON-like core schema of YAML 1.2."""


_Loader.yaml_implicit_resolvers = {}
_CORE_SCHEMA = (
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]{1,18}", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
)
for _kind, _pattern, _starts in _CORE_SCHEMA:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}",
        re.compile(f"(?:{_pattern})\\Z"),
        ["" if start == "\0" else start for start in _starts],
    )


def split_card(text: str) -> tuple[str | None, str]:
    """`(front matter, body)`; the front matter is None when there is none."""
    lines = text.removeprefix("\ufeff").lstrip("\r\n\t ").splitlines(keepends=True)
    if not lines or not _FENCE.fullmatch(lines[0].rstrip("\r\n")):
        return None, text
    for number, line in enumerate(lines[1:], start=1):
        if _FENCE.fullmatch(line.rstrip("\r\n")):
            return "".join(lines[1:number]), "".join(lines[number + 1 :])
    return None, text


def read_front_matter(text: str) -> tuple[dict[str, Json], list[Problem]]:
    """The fields, and what had to be left out of them.

    Raises:
        BadMetadata: with a sentence, when nothing of it can be used.
    """
    value, problems = read_yaml(text)
    if value is None:
        return {}, problems
    if not isinstance(value, dict):
        raise BadMetadata(_("The metadata must be a list of names and values."))
    return value, problems


def read_yaml(text: str) -> tuple[Json, list[Problem]]:
    """The value of a short document without anchors, aliases and tags, as JSON could hold it.

    Raises:
        BadMetadata: with a sentence, when nothing of it can be used.
    """
    if len(text.encode(errors="replace")) > LONGEST_FRONT_MATTER_BYTES:
        raise BadMetadata(
            _("The metadata is longer than %(value)s KiB.") % {"value": LONGEST_FRONT_MATTER_BYTES // 1024}
        )
    try:
        _check_events(text)
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise BadMetadata(_("The metadata is not valid YAML: %(explain)s.") % {"explain": _explain(error)}) from None
    problems: list[Problem] = []
    return (None if root is None else _value(root, "", problems)), problems


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise BadMetadata(_("The metadata must not use anchors or aliases (& and *)."))
        if getattr(event, "tag", None):
            raise BadMetadata(_("The metadata must not use tags (!)."))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST_FRONT_MATTER:
            raise BadMetadata(
                _("The metadata is nested deeper than %(deepest_front_matter)s levels.")
                % {"deepest_front_matter": DEEPEST_FRONT_MATTER}
            )


def _value(node: yaml.Node, field: str, problems: list[Problem]) -> Json:
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, field, problems)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, f"{field}[{number}]", problems) for number, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return None
    found: dict[str, Json] = {}
    for key, item in node.value:
        if not isinstance(key, yaml.ScalarNode):
            problems.append(Problem(field, _("A name must be a word, not a list.")))
            continue
        name = storable_text(key.value)
        inner = f"{field}.{name}" if field else name
        if name in found:
            problems.append(Problem(inner, _("This name occurs twice; the last one counts.")))
        found[name] = _value(item, inner, problems)
    return found


def _scalar(node: yaml.ScalarNode, field: str, problems: list[Problem]) -> Json:
    kind = node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return bool(node.value.lower() == "true")
    if kind == "int":
        return int(node.value)
    if kind == "float":
        number = float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if math.isfinite(number):
            return number
        problems.append(Problem(field, _("NaN and infinity are no values.")))
        return None
    return storable_text(node.value)


def _explain(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"{error.problem or error.context} in line {error.problem_mark.line + 1}"
    return str(error).splitlines()[0] if str(error) else "it cannot be read"
