"""Templates of definitions: Jinja in a sandbox that knows fields and little else, and ends.

A template may read fields, choose, loop over lists and shape text. It reaches no attribute of any object, and what it
makes is bounded by construction: loops count their rounds, stored values and what grows text are measured before they
are kept. No thread, signal or process is needed, so that a web worker can render what strangers wrote.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError, nodes, pass_context
from jinja2.runtime import Context, LoopContext, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evaluation.benchmarks.strict import bad

LONGEST_TEMPLATE = 16 * 1024  # characters
MOST_NODES = 500
LARGEST_VALUE = 1024 * 1024  # characters of a text, or of all that a list holds
MOST_ROUNDS = 10_000  # of all loops of one rendering
LARGEST_NUMBER = 2**256
SECONDS = 2.0  # of one rendering; the other limits end a template long before

FILTERS = frozenset({
    "capitalize", "default", "first", "float", "int", "join", "last", "length", "list", "lower", "replace", "reverse",
    "round", "sort", "string", "title", "trim", "unique", "upper",
})  # fmt: skip
TESTS = frozenset({"defined", "equalto", "even", "in", "none", "number", "odd", "string", "undefined"})
# Harmless methods of texts and lists, which templates written for lm_eval use.
METHODS = frozenset({
    "capitalize", "count", "endswith", "find", "index", "join", "lower", "lstrip", "removeprefix", "removesuffix",
    "replace", "rstrip", "split", "startswith", "strip", "title", "upper",
})  # fmt: skip
LOOP = frozenset({"first", "index", "index0", "last"})
NODES: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Tuple, nodes.List, nodes.Dict,
    nodes.Pair, nodes.Keyword, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.Call,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.CondExpr, nodes.Concat,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.If, nodes.For, nodes.Assign,
)  # fmt: skip

Record = Mapping[str, Any]


class TemplateFailed(Exception):
    """A template and a row of data do not go together; the message is a sentence."""


class _Rounds:
    """How often the loops of one rendering have turned."""

    def __init__(self) -> None:
        self.done = 0
        self.until = time.monotonic() + SECONDS

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.done += 1
            if self.done > MOST_ROUNDS or time.monotonic() > self.until:
                raise TemplateFailed("The template loops for too long.")
            yield item


class _Sandbox(ImmutableSandboxedEnvironment):
    """Fields and listed methods are all there is; arithmetic is for numbers."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
        self.globals.clear()
        self.filters = {name: self.filters[name] for name in FILTERS} | {"replace": _replace, "join": _join}
        self.filters |= {"_stored": _stored, "_counted": _counted}
        self.tests = {name: self.tests[name] for name in TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 (Jinja's signature)
        if isinstance(obj, StrictUndefined):
            return str(obj)  # says what is missing
        if isinstance(obj, Mapping):
            return self.getitem(obj, attribute)
        known = (
            METHODS if isinstance(obj, str | list | tuple) else LOOP if isinstance(obj, LoopContext) else frozenset()
        )
        if attribute in known and hasattr(obj, attribute):
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401 (Jinja's signature)
        try:
            return obj[argument]
        except (LookupError, TypeError, AttributeError):
            return self.undefined(obj=obj, name=argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        joined = operator == "+" and type(left) is type(right) and isinstance(left, str | list | tuple)
        if operator == "**" or not (numbers or joined):
            raise TemplateFailed(f"The template uses {operator} on something it is not made for.")
        return _stored(self.binop_table[operator](left, right))

    def call(self, context: Context, obj: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        owner, name = getattr(obj, "__self__", None), getattr(obj, "__name__", "")
        if not isinstance(owner, str | list | tuple) or name not in METHODS:
            raise TemplateFailed("The template calls something that is not a method of a text or a list.")
        if name == "replace":
            return _replace(owner, *arguments)
        if name == "join" and isinstance(owner, str):
            return _join(arguments[0] if arguments else (), owner)
        return obj(*arguments, **options)


def compiled(source: str) -> "Rendering":
    """What renders one template.

    Raises:
        BadDefinition: it is too long, not Jinja, or uses what templates of definitions may not.
    """
    if len(source) > LONGEST_TEMPLATE:
        raise bad("", f"a template has at most {LONGEST_TEMPLATE} characters.")
    try:
        return Rendering(source)
    except TemplateSyntaxError as error:
        raise bad("", f"line {error.lineno} of the template: {error.message}") from error
    except RecursionError as error:
        raise bad("", "the template is nested too deeply.") from error


class Rendering:
    """One template, ready to be filled in."""

    def __init__(self, source: str) -> None:
        environment = _Sandbox()
        _check(environment.parse(source))
        self._text = environment.from_string(_bounded(environment.parse(source)))
        expression = _expression(_bounded(environment.parse(source)))
        self._value = None
        if expression is not None:
            stored = nodes.Assign(nodes.Name("value", "store", lineno=1), _filtered(expression, "_stored"), lineno=1)
            self._value = environment.from_string(nodes.Template([stored], lineno=1))

    def text(self, fields: Record) -> str:
        """Raises TemplateFailed."""
        parts, size = [], 0
        for part in _events(self._text, self._context(self._text, fields)):
            parts.append(part)
            size += len(part)
            if size > LARGEST_VALUE:
                raise TemplateFailed("The template makes too much text.")
        return "".join(parts)

    def value(self, fields: Record) -> Any:  # noqa: ANN401 (whatever the expression is)
        """What the expression is, where the template is nothing else; otherwise its text. Raises TemplateFailed."""
        if self._value is None:
            return self.text(fields)
        context = self._context(self._value, fields)
        for _ in _events(self._value, context):
            pass
        return context.vars["value"]

    @staticmethod
    def _context(template: Template, fields: Record) -> Context:
        return template.new_context({**fields, "_rounds": _Rounds()})


def _events(template: Template, context: Context) -> Iterator[str]:
    """The pieces of text as they are made. Raises TemplateFailed."""
    try:
        yield from template.root_render_func(context)
    except TemplateError as error:
        raise TemplateFailed(f"The template fails: {error.message or type(error).__name__}.") from error
    except (ValueError, TypeError, ArithmeticError, LookupError, RecursionError) as error:
        raise TemplateFailed(f"The template fails: {str(error)[:200] or type(error).__name__}.") from error


def _check(tree: nodes.Template) -> None:
    """Raises BadDefinition: naming what is not allowed."""
    found = list(tree.find_all(nodes.Node))
    if len(found) > MOST_NODES:
        raise bad("", f"a template has at most {MOST_NODES} parts.")
    for node in found:
        problem = _problem(node)
        if problem:
            raise bad("", f"line {node.lineno} of the template: {problem}")


def _problem(node: nodes.Node) -> str:
    if not isinstance(node, NODES):
        return f"{type(node).__name__.lower()} is not allowed in templates."
    problem = ""
    match node:
        case nodes.Filter(name=name) if name not in FILTERS:
            problem = f"the filter {name!r} is not known here; known: {', '.join(sorted(FILTERS))}."
        case nodes.Test(name=name) if name not in TESTS:
            problem = f"the test {name!r} is not known here."
        case nodes.Name(name=name) | nodes.Getattr(attr=name) if name.startswith("_"):
            problem = f"{name!r} is no field of data."
        case nodes.For(recursive=True):
            problem = "loops that call themselves are not allowed."
        case nodes.Call(node=nodes.Getattr(attr=name)) if name in METHODS:
            pass
        case nodes.Call():
            problem = f"only methods of texts and lists can be called: {', '.join(sorted(METHODS))}."
    return problem


def _bounded(tree: nodes.Template) -> nodes.Template:
    """The same template with its loops counted and its variables measured."""
    for loop in tree.find_all(nodes.For):
        loop.iter = _filtered(loop.iter, "_counted")
    for assignment in tree.find_all(nodes.Assign):
        assignment.node = _filtered(assignment.node, "_stored")
    return tree


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _expression(tree: nodes.Template) -> nodes.Expr | None:
    """The expression of a template that has no other text."""
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    parts = tree.body[0].nodes
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData) else None


@pass_context
def _counted(context: Context, items: Iterable[Any]) -> Iterator[Any]:
    rounds: _Rounds = context["_rounds"]
    return rounds.counted(items)


def _stored(value: Any) -> Any:  # noqa: ANN401 (any value of a template)
    """The value itself, when it is not too large to be kept."""
    left, waiting = LARGEST_VALUE, [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, StrictUndefined):
            str(part)  # says what is missing
        elif isinstance(part, Mapping):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
        elif isinstance(part, int) and abs(part) > LARGEST_NUMBER:
            raise TemplateFailed("The template makes too large a number.")
        left -= 1 + (len(part) if isinstance(part, str) else 0)
        if left < 0:
            raise TemplateFailed("The template makes too much text.")
    return value


def _replace(text: object, old: str, new: str, count: int | None = None) -> str:
    text, old, new = str(text), str(old), str(new)
    uses = text.count(old) if count is None else min(count, text.count(old))
    if len(text) + max(uses, 0) * len(new) > LARGEST_VALUE:
        raise TemplateFailed("The template makes too much text.")
    return text.replace(old, new, -1 if count is None else count)


def _join(items: Iterable[Any], separator: str = "") -> str:
    parts = [str(part) for part in items]
    if sum(map(len, parts)) + len(parts) * len(separator) > LARGEST_VALUE:
        raise TemplateFailed("The template makes too much text.")
    return separator.join(parts)
