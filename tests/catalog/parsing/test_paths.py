"""Paths of files in a repo."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import InvalidPath
from catalog.parsing.paths import check_mirrored_path, check_path, find_collisions

DANGEROUS = [
    "",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "a/../b",
    "./a",
    "a\\b",
    "..\\ddd",
    "a\x00b",
    "a\nb",
    "a\x7f",
    "a\x9fb",
    "\ud800",
]
DANGEROUS += [
    ".git",
    "a/.GIT/config",
    "a/.g\u200cit",
    ".git ",
    ".git.",
    "git~1",
    "GIT~1/x",
    ".git::$INDEX_ALLOCATION",
    "．git",
]
CLUMSY = [
    "a:b",
    "CON",
    "nul.txt",
    "a/LPT1",
    "com¹.bin",
    "AUX .md",
    "a.",
    "a ",
    "dir./x",
    "e\u0301",
    "a\u202eb",
    "a\u200bb",
]
CLUMSY += ["x" * 256, "/".join(["d"] * 33), "/".join(["x" * 200] * 6), "a\u2028b", "a\xadb"]


@pytest.mark.parametrize(
    "path", ["README.md", ".gitattributes", "a/b/c.bin", "模型/權重.safetensors", "żółw", "a b", "com10", "é"]
)
def test_usual_paths_come_back_as_they_are(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize("path", DANGEROUS + CLUMSY)
def test_paths_that_break_a_rule_are_refused_with_a_sentence(path: str) -> None:
    with pytest.raises(InvalidPath, match=r"\.$") as refused:
        check_path(path)
    assert refused.value.message.isprintable()


@pytest.mark.parametrize("path", DANGEROUS)
def test_a_mirror_refuses_dangerous_paths(path: str) -> None:
    with pytest.raises(InvalidPath):
        check_mirrored_path(path)


@pytest.mark.parametrize("path", CLUMSY)
def test_a_mirror_keeps_paths_that_are_only_clumsy(path: str) -> None:
    assert check_mirrored_path(path) == path


def test_a_mirrored_path_too_long_for_an_index_is_refused() -> None:
    with pytest.raises(InvalidPath, match="2048"):
        check_mirrored_path("d/" * 1024 + "f")


@given(st.text(max_size=60))
def test_every_accepted_path_is_relative_normal_and_printable_as_a_file_name(path: str) -> None:
    try:
        check_path(path)
    except InvalidPath:
        return

    assert check_mirrored_path(path) == path
    assert unicodedata.is_normalized("NFC", path)
    assert str(PurePosixPath(path)) == path
    assert not PurePosixPath(path).is_absolute()
    assert ".." not in PurePosixPath(path).parts


def test_names_that_differ_in_case_or_normal_form_collide() -> None:
    found = find_collisions(["README.md", "a/é", "readme.MD", "a/e\u0301", "straße", "STRASSE", "other"])

    assert found == [("README.md", "readme.MD"), ("a/é", "a/e\u0301"), ("straße", "STRASSE")]


def test_a_file_that_is_also_a_directory_collides() -> None:
    assert find_collisions(["Data", "data/train.txt", "x/y/z", "x/y"]) == [("Data", "data/train.txt"), ("x/y", "x/y/z")]


def test_a_clean_tree_has_no_collisions() -> None:
    assert find_collisions(["a/b", "a/c", "ab", "a.b"]) == []
