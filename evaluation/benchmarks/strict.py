"""Plain YAML to frozen dataclasses, refusing all that the dataclass does not name."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from evaluation.errors import BadDefinition

MAX_YAML_BYTES = 64 * 1024


T = TypeVar("T")


def bad(path: str, problem: str) -> BadDefinition:
    """The error for one place in a definition: `path` says where, `problem` says why."""
    return BadDefinition(f"{path}: {problem}" if path else problem, path=path)


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader without aliases (they can grow without bound) and without repeated keys."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise bad("", "YAML aliases are not allowed.")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 (yaml's signature)
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int):
                raise bad("", f"the key on line {key_node.start_mark.line + 1} is not a name.")
            if key in seen:
                raise bad(str(key), "this key appears twice.")
            seen.add(key)
        return super().construct_mapping(node, deep)


def parse_yaml(text: str) -> object:
    """One YAML document as plain values.

    Raises:
        BadDefinition: too large, not YAML, or using aliases, custom tags or repeated keys.
    """
    if len(text.encode()) > MAX_YAML_BYTES:
        raise bad("", f"a definition is at most {MAX_YAML_BYTES // 1024} KiB.")
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise bad("", f"{line}{problem}.") from error
    except RecursionError as error:
        raise bad("", "the YAML is nested too deeply.") from error


def build(target: type[T], value: object, path: str = "") -> T:
    """An instance of dataclass `target` from a mapping; every key and type is checked.

    Raises:
        BadDefinition: naming the first wrong path.
    """
    if not isinstance(value, Mapping):
        raise bad(path, f"expected a mapping, not {_said(value)}.")
    hints = get_type_hints(target)
    fields = {field.name: field for field in dataclasses.fields(target)}  # type: ignore[arg-type]  # T is a dataclass
    for key in value:
        if key not in fields:
            known = ", ".join(sorted(fields))
            raise bad(_join(path, str(key)), f"unknown key; known here: {known}.")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in value:
            raise bad(_join(path, name), "this key is required.")
    return target(**{key: _convert(hints[key], item, _join(path, key)) for key, item in value.items()})


def _convert(hint: Any, value: object, path: str) -> object:  # noqa: ANN401 (a type hint has no static type)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _convert_union(arguments, value, path)
    if origin is Literal:
        if value not in arguments or isinstance(value, bool):
            choices = ", ".join(str(choice) for choice in arguments)
            raise bad(path, f"{_said(value)} is not one of: {choices}.")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise bad(path, f"expected a list, not {_said(value)}.")
        return tuple(_convert(arguments[0], item, f"{path}[{number}]") for number, item in enumerate(value))
    if origin in (dict, Mapping):
        return _convert_mapping(arguments, value, path)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, path)
    return _convert_plain(hint, value, path)


def _convert_union(arguments: tuple[Any, ...], value: object, path: str) -> object:
    if value is None and type(None) in arguments:
        return None
    problems = []
    for choice in arguments:
        if choice is type(None):
            continue
        try:
            return _convert(choice, value, path)
        except BadDefinition as problem:
            if isinstance(value, Mapping) and dataclasses.is_dataclass(choice):
                raise  # only this one can have been meant
            problems.append(problem)
    raise problems[0] if len(problems) == 1 else bad(path, f"{_said(value)} is not allowed here.")


def _convert_mapping(arguments: tuple[Any, ...], value: object, path: str) -> dict[Any, object]:
    if not isinstance(value, dict):
        raise bad(path, f"expected a mapping, not {_said(value)}.")
    return {
        _convert(arguments[0], key, _join(path, str(key))): _convert(arguments[1], item, _join(path, str(key)))
        for key, item in value.items()
    }


def _convert_plain(hint: type, value: object, path: str) -> object:
    # bool is an int for Python, but `version: yes` is a mistake.
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        raise bad(path, f"expected {names.get(hint, hint.__name__)}, not {_said(value)}.")
    return value


def _said(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
