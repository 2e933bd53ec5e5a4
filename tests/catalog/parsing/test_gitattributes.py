"""Rules of .gitattributes and .gitignore, compared with the answers of the installed git."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.parsing.gitattributes import (
    DEFAULT_DATASET_ATTRIBUTES,
    DEFAULT_MODEL_ATTRIBUTES,
    is_ignored,
    is_lfs,
)

Ask = Callable[[str, list[str]], list[str]]
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PIECES = st.sampled_from(
    ["a", "b", "*", "?", "**", "/", "[ab]", "[!a]", "[a-c]", "[[:alpha:]]", ".bin", "\\*", "[", "x"]
)
# A slash between brackets ends the pattern's segment here, while git takes it as a member of the class.
PATTERNS = st.lists(PIECES, min_size=1, max_size=6).map("".join).filter(lambda text: not re.search(r"\[[^]]*/", text))
SEGMENT = st.text("abcx*.", min_size=1, max_size=3).filter(lambda name: name.strip(".") != "")
PATHS = st.lists(SEGMENT, min_size=1, max_size=4).map("/".join)


@pytest.fixture
def git_repo(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def _git(repo: Path, *arguments: str, stdin: str) -> list[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(repo), "GIT_CONFIG_NOSYSTEM": "1"}
    answer = subprocess.run(
        ["git", "-C", str(repo), *arguments], input=stdin.encode(), env=environment, capture_output=True, check=False
    )
    assert answer.returncode in {0, 1}
    return answer.stdout.decode().split("\0")[:-1]


def git_lfs_answers(repo: Path, attributes: str, paths: list[str]) -> dict[str, bool]:
    (repo / ".gitattributes").write_text(attributes)
    fields = _git(repo, "check-attr", "--stdin", "-z", "filter", stdin="\0".join([*paths, ""]))
    return {path: value == "lfs" for path, value in zip(fields[::3], fields[2::3], strict=True)}


def git_ignored(repo: Path, rules: str, paths: list[str]) -> set[str]:
    (repo / ".gitignore").write_text(rules)
    return set(_git(repo, "check-ignore", "--no-index", "--stdin", "-z", stdin="\0".join([*paths, ""])))


@FEW
@given(st.lists(st.tuples(PATTERNS, st.sampled_from(["filter=lfs", "-filter", "big"])), max_size=3), PATHS)
def test_lfs_is_decided_as_git_decides(git_repo: Path, patterns: list[tuple[str, str]], path: str) -> None:
    attributes = "[attr]big filter=lfs -text\n" + "".join(f"{pattern} {word}\n" for pattern, word in patterns)

    expected = git_lfs_answers(git_repo, attributes, [path])

    assert {path: is_lfs(path, attributes)} == expected


@FEW
@given(
    lines=st.lists(st.tuples(st.sampled_from(["", "!"]), PATTERNS, st.sampled_from(["", "/", " "])), max_size=3),
    path=PATHS,
)
def test_ignoring_is_decided_as_git_decides(git_repo: Path, lines: list[tuple[str, str, str]], path: str) -> None:
    rules = "".join(f"{''.join(line)}\n" for line in lines)

    expected = git_ignored(git_repo, rules, [path])

    assert ({path} if is_ignored(path, rules) else set()) == expected


@pytest.mark.parametrize(
    ("attributes", "path"),
    [
        ("*.bin filter=lfs", "a/b.bin"),
        ("*.bin filter=lfs", "a/b.BIN"),
        ("a/*.bin filter=lfs", "a/b/c.bin"),
        ("a/**/c.bin filter=lfs", "a/c.bin"),
        ("a/** filter=lfs\na/x.md !filter", "a/x.md"),
        ("a/ filter=lfs", "a/b"),
        ("a filter=lfs", "a/b"),
        ('"a b.bin" filter=lfs', "a b.bin"),
        ("my[[:space:]]file filter=lfs", "my file"),
        ("*.bin filter=lfs -text filter=other", "x.bin"),
        ("# *.bin filter=lfs", "x.bin"),
        ("!*.bin filter=lfs", "x.bin"),
        ("*.bin -text\r\n*.pt filter=lfs\r\n", "x.pt"),
        ("/top filter=lfs", "top"),
        ("/top filter=lfs", "a/top"),
        ("模型/* filter=lfs", "模型/權重"),
    ],
)
def test_known_attribute_lines_are_read_as_git_reads_them(git_repo: Path, attributes: str, path: str) -> None:
    assert {path: is_lfs(path, attributes)} == git_lfs_answers(git_repo, attributes, [path])


def test_the_default_attributes_keep_weights_in_lfs_and_text_in_git(git_repo: Path) -> None:
    paths = ["model.safetensors", "onnx/model.onnx", "events.out.tfevents.12", "saved_model/a/b", "x.tar.gz", "m.gguf"]
    texts = ["README.md", "config.json", "tokenizer.json", "vocab.txt", ".gitattributes"]

    answers = git_lfs_answers(git_repo, DEFAULT_MODEL_ATTRIBUTES, paths + texts)

    assert answers == {path: path in paths for path in paths + texts}
    assert {path: is_lfs(path, DEFAULT_MODEL_ATTRIBUTES) for path in paths + texts} == answers
    assert is_lfs("audio/a.wav", DEFAULT_DATASET_ATTRIBUTES)
    assert not is_lfs("audio/a.wav", DEFAULT_MODEL_ATTRIBUTES)


def test_what_lies_in_an_ignored_directory_stays_ignored(git_repo: Path) -> None:
    rules = "build/\n!build/keep.txt\n*.log\n!keep.log\nspace\\ \n#x\n\\#y\n"
    paths = ["build/keep.txt", "build/a/b", "a.log", "keep.log", "space ", "#x", "#y", "builds/a"]

    expected = git_ignored(git_repo, rules, paths)

    assert (
        {path for path in paths if is_ignored(path, rules)}
        == expected
        == {"build/keep.txt", "build/a/b", "a.log", "space ", "#y"}
    )


@pytest.mark.parametrize("pattern", ["*a" * 100 + "b", "**/a/" * 100 + "b", "[a-z]*" * 80 + "!", "*?" * 100 + "b"])
def test_a_hostile_pattern_costs_little(pattern: str) -> None:
    path = "a" * 200 + "/a" * 400
    started = time.process_time()

    assert not is_lfs(path, f"{pattern} filter=lfs")
    assert not is_ignored(path, pattern)

    assert time.process_time() - started < 1
