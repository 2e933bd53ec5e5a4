"""The standard library of the Python that runs the scoring: its tokens, and its docstrings. Read, never imported."""

import ast
import functools
import io
import keyword
import re
import sysconfig
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluation.benchmarks.corpora import DataUnavailable, in_test_split
from evaluation.benchmarks.items import Items, Reader, Row
from evaluation.benchmarks.prompts import source_of
from evaluation.benchmarks.schema import Definition

REPO = "builtin:python-stdlib"
LINES_READ = 300  # of each module: enough sentences, in a second for all
WORDS = (8, 60)  # least and most of one item
PIECE = re.compile(r"\w+|[^\w\s]")
KEYWORDS = frozenset(keyword.kwlist)
Function = ast.FunctionDef | ast.AsyncFunctionDef
SUMMARY_LENGTH = (20, 120)  # characters
BODY_LENGTH = (150, 1500)


@dataclass(frozen=True)
class Labelled:
    module: str
    words: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Described:
    """A docstring, taken apart."""

    name: str  # module, line
    summary: str
    body: str


@functools.cache
def code(*, test: bool) -> tuple[Labelled, ...]:
    """Runs of whole statements, in words, with the tokens they belong to; one half of the modules."""
    found: dict[tuple[str, ...], Labelled] = {}
    for path in _modules():
        if in_test_split("python-tokens", path.stem) == test:
            for item in _statements(path):
                found.setdefault(item.words, item)
    return tuple(found.values())


@functools.cache
def docstrings(*, test: bool) -> tuple[Described, ...]:
    """Docstrings of a first line and more, each once; one half of the modules."""
    found: dict[str, Described] = {}
    for path in _modules():
        if in_test_split("docstrings", path.stem) == test:
            for item in _described(path):
                found.setdefault(item.summary.casefold(), item)
    return tuple(found.values())


def _modules() -> list[Path]:
    """The modules of the library that are one file."""
    found = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    if not found:
        raise DataUnavailable("The sources of Python's standard library are not installed.")
    return found


def _statements(path: Path) -> Iterator[Labelled]:
    """Consecutive statements joined until they have enough words; what is too long is left out."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[:LINES_READ]
    words: list[tuple[str, str]] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO("".join(lines)).readline):
            words += _pieces(token)
            if token.type == tokenize.NEWLINE and len(words) >= WORDS[0]:
                if len(words) <= WORDS[1]:
                    pieces, labels = zip(*words, strict=True)
                    yield Labelled(module=path.stem, words=pieces, labels=labels)
                words = []
    except (tokenize.TokenError, SyntaxError):
        return  # cut in the middle of a statement


def _pieces(token: tokenize.TokenInfo) -> list[tuple[str, str]]:
    """The words of a token, each with its label: O for names and operators."""
    pieces = PIECE.findall(token.string)
    kind = _kind(token)
    if kind is None:
        return [(piece, "O") for piece in pieces]
    return [(piece, f"{'I' if index else 'B'}-{kind}") for index, piece in enumerate(pieces)]


def _kind(token: tokenize.TokenInfo) -> str | None:
    if token.type == tokenize.NAME:
        return "KEYWORD" if token.string in KEYWORDS else None
    name = tokenize.tok_name[token.type]
    return "STRING" if name.startswith("FSTRING") else name if name in ("STRING", "NUMBER", "COMMENT") else None


def _described(path: Path) -> Iterator[Described]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in _documented(tree):
        summary, _, body = (ast.get_docstring(node) or "").partition("\n\n")
        summary, body = " ".join(summary.split()), " ".join(body.split())
        if (
            _within(summary, SUMMARY_LENGTH)
            and _within(body, BODY_LENGTH)
            and summary.endswith(".")
            and ">>>" not in body
        ):
            yield Described(name=f"{path.stem}:{getattr(node, 'lineno', 1)}", summary=summary, body=body)


def _documented(node: ast.Module | ast.ClassDef) -> Iterator[ast.Module | ast.ClassDef | Function]:
    """A module or class and, at any depth, its classes and their functions."""
    yield node
    for child in node.body:
        if isinstance(child, ast.ClassDef):
            yield from _documented(child)
        elif isinstance(child, Function):
            yield child


def _within(text: str, length: tuple[int, int]) -> bool:
    return length[0] <= len(text) <= length[1]


def _read_code(definition: Definition) -> Items:
    found = code(test=definition.dataset.split == "test")
    keys = [f"{item.module}-{number}" for number, item in enumerate(found)]
    inputs: list[Row] = [{"id": key, "words": list(item.words)} for key, item in zip(keys, found, strict=True)]
    gold: list[Row] = [
        {"id": key, "labels": list(item.labels), "cluster": item.module} for key, item in zip(keys, found, strict=True)
    ]
    return Items(inputs=inputs, gold=gold)


def _read_docstrings(definition: Definition) -> Items:
    found, read = docstrings(test=definition.dataset.split == "test"), source_of(definition)
    return Items(
        inputs=[{"id": item.name, "text": read({"text": item.body})} for item in found],
        gold=[
            {"id": item.name, "references": [item.summary], "cluster": item.name.partition(":")[0]} for item in found
        ],
    )


READERS: dict[tuple[str, str], Reader] = {
    (REPO, "token-classify"): _read_code,
    (REPO, "generate"): _read_docstrings,
}
