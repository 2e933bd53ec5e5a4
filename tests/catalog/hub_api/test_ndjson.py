"""The reader of commit bodies gives the same operations however the network cuts the body."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import BadInput, TooLarge
from catalog.hub_api import ndjson

LIMIT = 200  # bytes of a line here, so that short examples have long lines


@pytest.fixture(autouse=True)
def _short_lines(monkeypatch):
    monkeypatch.setattr(ndjson, "LONGEST_LINE", LIMIT)


def cut(body: bytes, sizes: list[int]):
    at = 0
    for size in sizes:
        if body[at : at + size]:
            yield body[at : at + size]
        at += size
    if body[at:]:
        yield body[at:]


def read(pieces) -> list[tuple[str, dict, bytes | None]]:
    """Operations with their content, wherever it went."""
    operations = ndjson.Operations(pieces, lambda content: SimpleNamespace(kept=b"".join(content)))
    found = []
    for one in operations:
        value = {name: part for name, part in one.value.items() if name != "content"}
        found.append((one.key, value, one.content if one.blob is None else one.blob.kept))
    return found


def line(path: str, content: bytes, *, last: bool = False, escaped: bool = False) -> bytes:
    text = {"content": base64.b64encode(content).decode()}
    value = {"path": path, **text} if last else {**text, "path": path}
    dumped = json.dumps({"key": "file", "value": value})
    return (dumped.replace("/", "\\/") if escaped else dumped).encode()


@given(
    files=st.lists(
        st.tuples(
            st.text('abc/\u017c"\\', min_size=1, max_size=8), st.binary(max_size=700), st.booleans(), st.booleans()
        ),
        max_size=6,
    ),
    sizes=st.lists(st.integers(1, 400), max_size=30),
    end=st.sampled_from([b"", b"\n", b"\n\n"]),
)
@settings(max_examples=150, deadline=None)
def test_any_cut_gives_the_same_operations(files, sizes, end):
    lines = [line(path, content, last=last, escaped=escaped) for path, content, last, escaped in files]

    found = read(cut(b"\n".join(lines) + end, sizes))

    assert found == [("file", {"path": path}, content) for path, content, _, _ in files]


@given(body=st.binary(max_size=1000) | st.text(max_size=500).map(str.encode), sizes=st.lists(st.integers(1, 90)))
@settings(max_examples=150, deadline=None)
def test_garbage_is_refused_and_nothing_else(body, sizes):
    with suppress(BadInput, TooLarge):
        read(cut(body, sizes))


@pytest.mark.parametrize(
    "content", ["A" * 400 + "=", "AAA=" + "A" * 400, "A" * 401, "A" * 400 + "!", "A" * 400 + '\\"', "A" * 400]
)
def test_long_contents_must_be_whole_base64(content):
    body = f'{{"key": "file", "value": {{"content": "{content}", "path": "x"}}}}'.encode()

    if content == "A" * 400:
        assert read(iter([body]))[0][2] == bytes(300)
    else:
        with pytest.raises(BadInput):
            read(iter([body]))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"key": "file", "value": {"path": "' + b"a" * 500 + b'"}}', TooLarge),
        (b'{"key": "file", "value": {"content": "' + b"A" * 400, BadInput),
        (b'{"key": "file", "value": {"content": "' + b"A" * 400 + b'", "path": "' + b"a" * 500 + b'"}}', TooLarge),
        (b'{"key": "header", "value": {"content": "' + b"A" * 400 + b'"}}', BadInput),
        (b'{"key": "file", "value": {"encoding": "utf-8", "content": "' + b"A" * 400 + b'"}}', BadInput),
    ],
)
def test_long_lines_are_long_by_their_content_alone(body, problem):
    with pytest.raises(problem):
        read(iter([body]))
