"""Git's path patterns, matched in time that grows with length times length, whatever the pattern.

The patterns come from users, and a plain translation to a regular expression lets a line such as
`*a*a*a*a*b` run for hours; hence each `*` keeps its first fit (an atomic group) and `**` walks segments.
One difference from git: a slash between brackets ends the segment, and is no member of the class.
Source: git's Documentation/gitignore.txt and wildmatch.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_POSIX_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": r" \t", "cntrl": r"\x00-\x1f\x7f", "digit": "0-9",
    "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t-\r ",
    "upper": "A-Z", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_NEVER = "(?!)"


@dataclass(frozen=True)
class Glob:
    """One compiled pattern, relative to the root of the repo."""

    segments: tuple[re.Pattern[str] | None, ...]  # None stands for `**`
    basename_only: bool  # no slash in the pattern: it looks at the last segment alone

    def matches(self, path: str) -> bool:
        if self.basename_only:
            (pattern,) = self.segments
            return pattern is None or pattern.fullmatch(path.rpartition("/")[2]) is not None
        return _segments_match(self.segments, path.split("/"))


@lru_cache(maxsize=1024)
def compile_glob(pattern: str) -> Glob:
    """`pattern` without the marks that belong to a file format: no leading `!`, no trailing slash."""
    if "/" not in pattern:
        return Glob((_compile_segment(pattern),), basename_only=True)
    parts = pattern.removeprefix("/").split("/")
    return Glob(tuple(None if part == "**" else _compile_segment(part) for part in parts), basename_only=False)


def _segments_match(patterns: Sequence[re.Pattern[str] | None], names: Sequence[str]) -> bool:
    """Whether the patterns cover all names, `None` taking any number of them (at the end: at least one)."""
    at = 0  # in names
    here = 0  # in patterns
    restart: tuple[int, int] | None = None
    while at < len(names):
        pattern = patterns[here] if here < len(patterns) else re.compile(_NEVER)
        if pattern is None:
            if here == len(patterns) - 1:
                return True
            here += 1
            restart = (here, at)
        elif pattern.fullmatch(names[at]):
            here += 1
            at += 1
        elif restart:
            here, at = restart[0], restart[1] + 1
            restart = (here, at)
        else:
            return False
    return here == len(patterns)


@lru_cache(maxsize=4096)
def _compile_segment(pattern: str) -> re.Pattern[str]:
    chunks: list[str] = [""]
    for token in _tokens(pattern):
        if token == "*":  # noqa: S105  a wildcard, not a password
            chunks.append("")
        else:
            chunks[-1] += token
    if len(chunks) == 1:
        return re.compile(chunks[0], re.DOTALL)
    first, *middle, last = chunks
    inner = "".join(f"(?>.*?{chunk})" for chunk in middle if chunk)
    return re.compile(f"{first}{inner}.*{last}", re.DOTALL)


def _tokens(pattern: str) -> Iterator[str]:
    """One regular expression per character of the pattern; a run of stars comes as "*"."""
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "*":
            while pattern[at : at + 1] == "*":
                at += 1
            yield "*"
        elif char == "[":
            token, at = _character_class(pattern, at + 1)
            yield token
        else:
            if char == "\\":
                at += 1
            literal = pattern[at : at + 1]
            at += 1
            yield "." if char == "?" else re.escape(literal) if literal else _NEVER
    return


def _character_class(pattern: str, at: int) -> tuple[str, int]:
    """The class that starts after `[`, and where it ends; a class that never ends matches nothing, as in git."""
    negated = pattern[at : at + 1] in {"!", "^"}
    at += negated
    members: list[str] = []
    start = at
    while pattern[at : at + 1] != "]" or at == start:
        if at >= len(pattern):
            return _NEVER, at
        if pattern.startswith("[:", at) and (end := pattern.find(":]", at)) != -1:
            if pattern[at + 2 : end] not in _POSIX_CLASSES:
                return _NEVER, len(pattern)
            members.append(_POSIX_CLASSES[pattern[at + 2 : end]])
            at = end + 2
            continue
        low, at = _class_member(pattern, at)
        if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in {"]", ""}:
            high, at = _class_member(pattern, at + 1)
            if low <= high:
                members.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            members.append(re.escape(low))
    if not members:
        return ("." if negated else _NEVER), at + 1
    return f"[{'^' if negated else ''}{''.join(members)}]", at + 1


def _class_member(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at] == "\\" and at + 1 < len(pattern):
        at += 1
    return pattern[at], at + 1
