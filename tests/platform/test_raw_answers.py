"""Bytes of users leave under the same headers, whichever route sends them."""

from __future__ import annotations

import pytest

from catalog.raw_headers import SAFE_HEADERS
from tests.catalog.hub_api.conftest import Caller, body_of
from tests.factories import RepoFactory, UserFactory, commit_content, token_of

pytestmark = pytest.mark.django_db
FILES = {
    "page.html": b"<script>alert(1)</script>",
    "image.svg": b"<svg onload=alert(1)>", "fake.png": b"<script>", "a.pdf": b"%PDF-1.7",
    "n.ipynb": b"{}", "s.js": b"alert(1)", "plain.txt": b"text", "x.xml": b"<x/>", "w.bin": b"\0weights",
}  # fmt: skip


@pytest.fixture
def caller():
    ann = UserFactory(name="ann")
    repo = RepoFactory(actor=ann, name="model", visibility="private")
    commit_content(repo, FILES, lfs=("w.bin",))
    return Caller(token_of(ann))


@pytest.mark.parametrize("name", FILES)
def test_every_route_of_a_file_forbids_it_to_act(name, caller):
    paths = [f"/ann/model/resolve/main/{name}", f"/ann/model/raw/main/{name}"]

    for answer in map(caller.get, paths):
        body_of(answer)
        assert {header: answer[header] for header in SAFE_HEADERS} == SAFE_HEADERS
        assert answer["Cache-Control"] == "private, no-store"
        assert answer["Content-Type"] in ("text/plain; charset=utf-8", "application/octet-stream")
        is_shown = answer["Content-Type"].startswith("text/plain")
        assert not is_shown or name == "plain.txt" or "raw" in answer.request["PATH_INFO"]


def test_an_archive_forbids_it_too(caller):
    answer = caller.get("/api/v1/models/ann/model/archive/main.tar")
    body_of(answer)

    assert {header: answer[header] for header in SAFE_HEADERS} == SAFE_HEADERS
    assert (answer["Cache-Control"], answer["Content-Type"]) == ("private, no-store", "application/x-tar")
    assert answer["Content-Disposition"].startswith("attachment")
