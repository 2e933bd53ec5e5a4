"""What `.gitattributes` and `.gitignore` say about a path: kept by LFS, left out.

Sources: git's Documentation/gitattributes.txt and gitignore.txt. The answers are those of `git check-attr` and
`git check-ignore` for files at the root of the repo.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from catalog.parsing.globs import Glob, compile_glob

LONGEST_RULES_BYTES: Final = 256 * 1024
MOST_RULES: Final = 2000

_MODEL_PATTERNS = """
    *.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gguf *.ggml *.gz *.h5 *.hdf5 *.joblib *.keras *.mlmodel *.model *.msgpack
    *.npy *.npz *.onnx *.onnx_data *.ot *.parquet *.pb *.pickle *.pkl *.pt *.pt2 *.pte *.pth *.rar *.safetensors
    saved_model/**/* *.tar.* *.tar *.task *.tflite *.tgz *.wasm *.xz *.zip *.zst *tfevents*
"""
_DATASET_PATTERNS = """
    *.avro *.db *.duckdb *.feather *.lz4 *.mds *.sqlite *.sqlite3
    *.pcm *.sam *.raw *.aac *.flac *.mp3 *.ogg *.opus *.wav *.m4a
    *.bmp *.gif *.png *.tif *.tiff *.jpg *.jpeg *.webp *.avif *.heic
    *.mp4 *.mkv *.webm *.mov *.avi
"""


def _attributes(*patterns: str) -> str:
    names = [name for text in patterns for name in text.split()]
    return "".join(f"{name} filter=lfs diff=lfs merge=lfs -text\n" for name in names)


DEFAULT_MODEL_ATTRIBUTES: Final = _attributes(_MODEL_PATTERNS)
DEFAULT_DATASET_ATTRIBUTES: Final = _attributes(_MODEL_PATTERNS, _DATASET_PATTERNS)


@dataclass(frozen=True)
class AttributeRule:
    """One line that touches the `filter` attribute, and what it makes of it."""

    glob: Glob
    is_lfs: bool


@dataclass(frozen=True)
class IgnoreRule:
    glob: Glob
    is_negated: bool
    directories_only: bool


@lru_cache(maxsize=64)
def lfs_patterns(attributes_text: str) -> tuple[AttributeRule, ...]:
    """The lines of a `.gitattributes` that say which files LFS keeps, in their order."""
    macros: dict[str, bool] = {}
    rules: list[AttributeRule] = []
    for line in attributes_text[:LONGEST_RULES_BYTES].splitlines()[:MOST_RULES]:
        pattern, words = _split_attributes(line)
        filtered = _filter_value(words, macros)
        if pattern.startswith("[attr]"):
            if filtered is not None:
                macros[pattern.removeprefix("[attr]")] = filtered
        elif filtered is not None and not pattern.startswith("!") and not pattern.endswith("/"):
            rules.append(AttributeRule(compile_glob(pattern), filtered))
    return tuple(rules)


def is_lfs(path: str, attributes_text: str) -> bool:
    """Whether the file at `path` is kept by LFS; the last line that matches decides."""
    for rule in reversed(lfs_patterns(attributes_text)):
        if rule.glob.matches(path):
            return rule.is_lfs
    return False


def is_ignored(path: str, gitignore_text: str) -> bool:
    """Whether the file at `path` is left out. What lies in an ignored directory cannot be taken back in."""
    rules = _ignore_rules(gitignore_text)
    parents = [path[:end] for end, char in enumerate(path) if char == "/"]
    return any(_decide(rules, parent, is_directory=True) for parent in parents) or _decide(
        rules, path, is_directory=False
    )


def _decide(rules: tuple[IgnoreRule, ...], path: str, *, is_directory: bool) -> bool:
    for rule in reversed(rules):
        if (is_directory or not rule.directories_only) and rule.glob.matches(path):
            return not rule.is_negated
    return False


@lru_cache(maxsize=64)
def _ignore_rules(text: str) -> tuple[IgnoreRule, ...]:
    rules: list[IgnoreRule] = []
    for line in text[:LONGEST_RULES_BYTES].split("\n")[:MOST_RULES]:
        pattern = _without_trailing_spaces(line.removesuffix("\r"))
        if not pattern or pattern.startswith("#"):
            continue
        negated = pattern.startswith("!")
        body = pattern[negated:]
        directories_only = body.endswith("/")
        body = body.removesuffix("/")
        if body:
            rules.append(IgnoreRule(compile_glob(body), negated, directories_only))
    return tuple(rules)


def _without_trailing_spaces(line: str) -> str:
    """Trailing spaces do not count, unless a backslash keeps them."""
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return f"{kept} " if backslashes % 2 and kept != line else kept


def _split_attributes(line: str) -> tuple[str, list[str]]:
    line = line.strip(" \t\r\n")
    if not line or line.startswith("#"):
        return "", []
    if quoted := re.match(r'"((?:[^"\\]|\\.)*)"', line):
        return _unquoted(quoted[1]), line[quoted.end() :].split()
    pattern, *words = line.split()
    return pattern, words


def _unquoted(text: str) -> str:
    named = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}

    def replace(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code, 8) & 0xFF) if code.isdigit() else named.get(code, code)

    return re.sub(r"\\([0-7]{3}|.)", replace, text)


def _filter_value(words: list[str], macros: dict[str, bool]) -> bool | None:
    """What the words of one line make of `filter`: lfs, something else, or None for untouched. The last one decides."""
    value: bool | None = None
    for word in words:
        if word == "filter=lfs":
            value = True
        elif word in {"filter", "-filter", "!filter"} or word.startswith("filter="):
            value = False
        elif word in macros:
            value = macros[word]
    return value
