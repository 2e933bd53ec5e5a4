"""What is done to written texts before they are compared: the answer is found, and what surrounds it is dropped.

Patterns are those of the definition, which may come from strangers: each has a time limit (package `regex`).
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import regex  # type: ignore[import-untyped]  # it has no types

from evaluation.benchmarks.schema import Filter
from evaluation.errors import BadOutput
from evaluation.metrics.texts.measure import Output

LONGEST_PATTERN = 1000  # characters
SECONDS = 1.0  # for one pattern on one text
TRIAL_SECONDS = 0.5  # for one pattern on one of the texts below
# What patterns with nested repeats take for ever on.
TRIALS = tuple(mark * 3000 + "!" for mark in ("a", "0", " ", "aA0 ", "\n", "1,", "((", "- "))

NUMBER = re.compile(r"-?(?:\d[\d,]*)?\.?\d+")

Change = Callable[[str], str | None]  # None: there is no answer in this text


class BadFilter(ValueError):
    """A filter that cannot be used; the message is a sentence."""


def named(use: str | Filter) -> Filter:
    return Filter(name=use) if isinstance(use, str) else use


def check_filter(use: str | Filter) -> None:
    """Raises BadFilter."""
    asked = named(use)
    if asked.name not in FILTERS:
        raise BadFilter(f"{asked.name!r} is not a filter; known: {', '.join(FILTERS)}.")
    if (asked.name == "regex") != bool(asked.pattern):
        raise BadFilter("regex takes a pattern, and no other filter does.")
    if asked.name == "regex":
        _check_pattern(asked)


def applied(filters: Sequence[str | Filter], outputs: Sequence[Output]) -> tuple[Output, ...]:
    """The texts of one item after all filters, in their order; `majority` leaves one of them.

    Raises:
        BadOutput: a pattern of the definition takes too long on a text.
    """
    found = tuple(outputs)
    for use in filters:
        asked = named(use)
        found = _majority(found) if asked.name == "majority" else tuple(_changed(asked, output) for output in found)
    return found


def _changed(asked: Filter, output: Output) -> Output:
    if not output.found:
        return output
    text = FILTERS[asked.name](asked, output.text)
    return replace(output, text="" if text is None else text, found=text is not None)


def _majority(outputs: tuple[Output, ...]) -> tuple[Output, ...]:
    """The answer that most texts give; of equals the one that came first."""
    counts = Counter(output.text for output in outputs if output.found)
    if not counts:
        return outputs[:1]
    ((text, _),) = counts.most_common(1)
    return (next(output for output in outputs if output.found and output.text == text),)


def _first_line(asked: Filter, text: str) -> str | None:
    return next((line.strip() for line in text.splitlines() if line.strip()), None)


def _number(asked: Filter, text: str) -> str | None:
    """The last number of the text, without commas and idle zeros: 1,250.0 becomes 1250."""
    found = NUMBER.findall(text)
    if not found:
        return None
    whole, point, rest = found[-1].replace(",", "").partition(".")
    sign = "-" if whole.startswith("-") else ""
    digits, decimals = whole.lstrip("-").lstrip("0") or "0", rest.rstrip("0") if point else ""
    text = f"{digits}.{decimals}" if decimals else digits
    return text if text == "0" else sign + text


def _regex(asked: Filter, text: str) -> str | None:
    try:
        matches = regex.finditer(asked.pattern, text, timeout=SECONDS)
        last = None
        for match in matches:
            last = match
            if asked.which == "first":
                break
    except TimeoutError as error:
        raise BadOutput("A filter of the benchmark takes too long on one of the texts.") from error
    return last[asked.group] if last is not None else None


def _check_pattern(asked: Filter) -> None:
    if len(asked.pattern) > LONGEST_PATTERN:
        raise BadFilter(f"A pattern has at most {LONGEST_PATTERN} characters.")
    try:
        pattern = regex.compile(asked.pattern)
    except (regex.error, RecursionError, OverflowError) as error:
        raise BadFilter(f"The pattern is not a regular expression: {error}.") from error
    if not 0 <= asked.group <= pattern.groups:
        raise BadFilter(f"The pattern has {pattern.groups} groups; group {asked.group} is none of them.")
    try:
        for text in TRIALS:
            any(True for _ in pattern.finditer(text, timeout=TRIAL_SECONDS))
            pattern.search(text, timeout=TRIAL_SECONDS)
    except TimeoutError as error:
        raise BadFilter("The pattern takes too long on some texts; nested repeats do that.") from error


FILTERS: dict[str, Callable[[Filter, str], str | None]] = {
    "strip": lambda _, text: text.strip(),
    "first-line": _first_line,
    "regex": _regex,
    "number": _number,
    "majority": lambda _, text: text,  # of all texts of an item together: `_majority`
}
