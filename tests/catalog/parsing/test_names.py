"""Names of repos, namespaces, branches and tags."""

from __future__ import annotations

import re
import subprocess

import pytest
from huggingface_hub.utils._validators import validate_repo_id
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.errors import InvalidName, InvalidReference
from catalog.parsing.names import RESERVED, check_name, check_namespace, check_revision_name

NAME_LIKE = st.text(alphabet="abzABZ019._-/ gitjson", max_size=100)
BAD_BRANCHES = ["", "HEAD", "head", "@", "a" * 40, "A" * 64, "a@{1}", "refs/heads/x", "-x", "a.", "x" * 256]
BAD_BRANCHES += ["/a", "a/", "a//b", "a.lock", "a/.b", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b"]
BAD_BRANCHES += ["a\x7f", "a\u202eb", "\ud800"]
REVISION_LIKE = st.text(alphabet="abHEADrefs/.@{-~^: 0lock\\*\x00\x7fé", min_size=1, max_size=12)


@pytest.mark.parametrize("name", ["a", "gpt2", "Qwen3-0.6B", "all-MiniLM-L6-v2", "x_", "0", "a" * 96, "a.b_c-d"])
def test_usual_names_are_accepted(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a" * 97,
        ".a",
        "-a",
        "_a",
        "a.",
        "a-",
        "a..b",
        "a--b",
        "a.git",
        "a.GIT",
        "a.json",
        "a/b",
        "a b",
        "ż",
        "a\n",
        "a\x00",
    ],
)
def test_names_that_break_a_rule_are_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(InvalidName, match=r"^A name .*\.$"):
        check_name(name)


@given(NAME_LIKE)
def test_every_accepted_name_is_accepted_by_the_hub_client_too(name: str) -> None:
    try:
        check_name(name)
    except InvalidName:
        return

    validate_repo_id(f"team/{name}")
    assert re.fullmatch(r"[A-Za-z0-9._-]+", name)


@pytest.mark.parametrize("name", ["models", "API", "v2", "Well-Known", "a" * 40, "0" * 64])
def test_reserved_names_and_object_ids_are_no_namespaces(name: str) -> None:
    with pytest.raises(InvalidName):
        check_namespace(name)


def test_reserved_names_are_lower_case_and_complete() -> None:
    assert all(name == name.lower() for name in RESERVED)
    assert {"-", ".well-known", "favicon.ico", "xet", "v3", "about"} <= RESERVED
    assert len(RESERVED) == 93


@pytest.mark.parametrize("name", ["main", "feature/x", "v1.0", "zażółć", "分支", "refs-1", "a@b"])
def test_usual_branch_names_are_accepted(name: str) -> None:
    check_revision_name(name)


@pytest.mark.parametrize("name", BAD_BRANCHES)
def test_branch_names_that_break_a_rule_are_refused(name: str) -> None:
    with pytest.raises(InvalidReference):
        check_revision_name(name)


@settings(max_examples=60, deadline=None)
@given(REVISION_LIKE)
@example("a.LOCK")
def test_every_accepted_branch_name_is_accepted_by_git_too(name: str) -> None:
    try:
        check_revision_name(name)
    except InvalidReference:
        return

    checked = subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True, check=False)
    assert checked.returncode == 0
