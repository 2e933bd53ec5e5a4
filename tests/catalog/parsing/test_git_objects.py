"""Object ids and bodies, compared with those of the installed git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import BadMetadata
from catalog.parsing.git_objects import (
    DIRECTORY_MODE,
    EMPTY_TREE_ID,
    EXECUTABLE_MODE,
    FILE_MODE,
    BlobHasher,
    CommitFields,
    TreeItem,
    commit_body,
    object_id,
    parse_commit,
    parse_pointer,
    parse_tree,
    pointer_text,
    tree_body,
)

Git = Callable[..., bytes]
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NO_TREES = [b"x", b"100644 a", b"100644 a\0" + bytes(19), b"99 a\0" + bytes(20), b"100644 a/b\0" + bytes(20)]
NO_TREES += [
    b"100644 \0" + bytes(20),
    b"100644 b\0%b100644 a\0%b" % (bytes(20), bytes(20)),
    (b"100644 a\0" + bytes(20)) * 2,
]
NO_POINTERS = [
    b"",
    b"hello",
    b"version https://git-lfs.github.com/spec/v1\n",
    b"version https://git-lfs.github.com/spec/v2\n",
]
NO_POINTERS += [pointer_text("a" * 63, 1), pointer_text("A" * 64, 1), pointer_text("a" * 64, -1)]
NO_POINTERS += [pointer_text("a" * 64, 1) + more for more in (b"size 2\n", b"x" * 1024, b"\xff\n")]
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12).filter(
    lambda name: name not in {".", "..", ".git"}
)
OIDS = st.binary(min_size=20, max_size=20).map(bytes.hex)
WORDS = st.text(
    st.characters(codec="utf-8", categories=["L", "Nd", "Zs", "Sm", "Po"], exclude_characters=".\0"), max_size=20
)


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Run git in an empty repository and return what it prints."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}

    def run(*arguments: str, stdin: bytes = b"", **environment: str) -> bytes:
        return subprocess.run(
            ["git", "-C", str(tmp_path), *arguments],
            input=stdin,
            env=clean | environment,
            capture_output=True,
            check=True,
        ).stdout

    run("init", "-q")
    return run


@pytest.mark.parametrize("body", [b"", b"hello\n", b"\0" * 3000, "模型".encode()])
def test_a_file_gets_the_id_that_git_gives_it(git: Git, body: bytes) -> None:
    hasher = BlobHasher(len(body))
    hasher.update(body[:7])
    hasher.update(memoryview(body)[7:])

    expected = git("hash-object", "--stdin", stdin=body).decode().strip()

    assert hasher.hexdigest() == object_id("blob", body) == expected


@FEW
@given(items=st.dictionaries(NAMES, st.tuples(st.sampled_from([FILE_MODE, EXECUTABLE_MODE, DIRECTORY_MODE]), OIDS)))
def test_a_tree_gets_the_id_that_git_gives_it(git: Git, items: dict[str, tuple[int, str]]) -> None:
    tree = [TreeItem(mode, name, oid) for name, (mode, oid) in items.items()]
    kinds = {DIRECTORY_MODE: "tree"}
    listing = b"".join(
        f"{item.mode:06o} {kinds.get(item.mode, 'blob')} {item.oid}\t{item.name}\0".encode() for item in tree
    )

    expected = git("mktree", "-z", "--missing", stdin=listing).decode().strip()

    assert object_id("tree", tree_body(tree)) == expected
    assert sorted(parse_tree(tree_body(tree)), key=repr) == sorted(tree, key=repr)


def test_a_directory_sorts_after_a_file_whose_name_continues_with_a_dot() -> None:
    names = {"a": DIRECTORY_MODE, "a.b": FILE_MODE, "a-b": FILE_MODE, "a0": FILE_MODE}

    parsed = parse_tree(tree_body(TreeItem(mode, name, "0" * 40) for name, mode in names.items()))

    assert [item.name for item in parsed] == ["a-b", "a.b", "a", "a0"]
    assert object_id("tree", tree_body([])) == EMPTY_TREE_ID


def test_a_name_that_is_no_utf8_survives_byte_true() -> None:
    body = b"100644 \xff\xfe\0" + bytes(20)

    assert tree_body(parse_tree(body)) == body


@pytest.mark.parametrize("body", NO_TREES)
def test_bytes_that_are_no_tree_are_refused(body: bytes) -> None:
    with pytest.raises(BadMetadata):
        parse_tree(body)


@FEW
@given(
    who=st.tuples(WORDS.map(lambda name: f"N{name}"), WORDS),  # git refuses a commit without a name
    message=WORDS,
    seconds=st.integers(100_000_000, 4_000_000_000),
    offset_minutes=st.integers(-14 * 60, 14 * 60),
)
def test_a_commit_gets_the_id_that_git_gives_it(
    git: Git, who: tuple[str, str], message: str, seconds: int, offset_minutes: int
) -> None:
    when = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=offset_minutes)))
    tree = git("mktree", stdin=b"").decode().strip()
    parents = [
        git("commit-tree", tree, stdin=text, **_identity("E", "e", when)).decode().strip() for text in (b"1", b"2")
    ]
    fields = CommitFields(tree, tuple(parents), *who, when, *who, when, message)

    flags = [flag for parent in parents for flag in ("-p", parent)]
    expected = git("commit-tree", tree, *flags, stdin=message.encode(), **_identity(*who, when)).decode().strip()

    assert object_id("commit", commit_body(fields)) == expected
    parsed = parse_commit(commit_body(fields))
    assert (parsed.tree, parsed.parents, parsed.message) == (tree, tuple(parents), message)
    assert (parsed.author_time, parsed.author_time.utcoffset()) == (when, when.utcoffset())
    assert commit_body(parsed) == commit_body(fields)


def _identity(name: str, email: str, when: datetime) -> dict[str, str]:
    time = f"{int(when.timestamp())} {when:%z}"
    who = {"NAME": name, "EMAIL": email, "DATE": time}
    return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}


def test_names_cannot_smuggle_a_second_header_into_a_commit() -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    hostile = "Eve <e@x> 1 +0000\nparent 0000"

    body = commit_body(CommitFields("1" * 40, (), hostile, hostile, when, "", "", when, "m\0n"))

    assert b"\nparent" not in body
    assert b"\0" not in body
    assert b"committer unknown <> 1767225600 +0000\n\nmn" in body


def test_a_signed_commit_with_an_odd_date_is_read() -> None:
    body = (
        b"tree " + b"a" * 40 + b"\nparent " + b"b" * 40 + b"\nauthor \xc5\xbb <z@x> 99999999999999999 +9999\n"
        b"committer C <c@x>\nencoding latin-1\ngpgsig -----BEGIN\n parent not one\n -----END\n\nfirst\n\nsecond \xff\n"
    )

    parsed = parse_commit(body)

    assert parsed.parents == ("b" * 40,)
    assert (parsed.author_name, parsed.author_email) == ("Ż", "z@x")
    assert parsed.author_time == datetime.fromtimestamp(0, UTC)
    assert parsed.message == "first\n\nsecond �\n"


@pytest.mark.parametrize("body", [b"", b"tree x\n\n", b"tree " + b"a" * 40 + b"\n\nm", b"blob"])
def test_bytes_that_are_no_commit_are_refused(body: bytes) -> None:
    with pytest.raises(BadMetadata):
        parse_commit(body)


@given(st.binary(min_size=32, max_size=32).map(bytes.hex), st.integers(0, 2**63 - 1))
def test_a_pointer_is_read_back(sha256: str, size: int) -> None:
    assert parse_pointer(pointer_text(sha256, size)) == (sha256, size)


def test_a_pointer_is_written_as_git_lfs_writes_it() -> None:
    written = pointer_text("4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393", 12345)

    assert object_id("blob", written) == "60c8d8ab2adcf57a391163a7eeb0cdb8bf348e44"
    assert len(written) == 130


@pytest.mark.parametrize("data", NO_POINTERS)
def test_other_text_is_no_pointer(data: bytes) -> None:
    assert parse_pointer(data) is None


@given(st.binary(max_size=200))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    for prefix in (b"", b"tree " + b"a" * 40 + b"\nauthor A <a> ", b"version https://git-lfs.github.com/spec/v1\n"):
        assert parse_pointer(prefix + data) is None or data
        for read in (parse_tree, parse_commit):
            try:
                read(prefix + data)
            except BadMetadata:
                continue
