from __future__ import annotations

import base64
import io
import json

import pytest

from tests.factories import RepoFactory, UserFactory, token_of
from tests.raw_client import RawClient


class Caller:
    """Requests of one person, with their token; without one for strangers."""

    def __init__(self, token: str = ""):
        self.client = RawClient(enforce_csrf_checks=True)
        self.token = token

    def request(self, method, path, data=b"", content_type="application/json", headers=None, **options):
        headers = {**({"Authorization": f"Bearer {self.token}"} if self.token else {}), **(headers or {})}
        return self.client.generic(method, path, data, content_type=content_type, headers=headers, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def head(self, path, **options):
        return self.request("HEAD", path, **options)

    def json(self, method, path, body=None, **options):
        return self.request(method, path, json.dumps(body if body is not None else {}).encode(), **options)

    def commit(self, repo, *lines, revision="main", header=None, kind="models"):
        """Send a commit as the client does, one JSON object a line."""
        first = {"key": "header", "value": {"summary": "Change files", "description": "", **(header or {})}}
        body = b"\n".join(json.dumps(line).encode() for line in (first, *lines))
        path = f"/api/{kind}/{repo}/commit/{revision}"
        return self.request("POST", path, body, content_type="application/x-ndjson")


def file_line(path: str, content: bytes) -> dict:
    value = {"content": base64.b64encode(content).decode(), "path": path, "encoding": "base64"}
    return {"key": "file", "value": value}


def lfs_line(path: str, sha256: str, size: int | None = None) -> dict:
    size_field = {} if size is None else {"size": size}
    return {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": sha256, **size_field}}


def cut_off(content: bytes, *, announced: int = 0) -> dict:
    """Options of a request whose connection ends before the announced length."""
    return {"wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(announced or len(content) + 10)}


def body_of(response) -> bytes:
    """Returns the bytes of an answer, streamed or not. Reading to the end closes its file."""
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.fixture
def ann(db):
    return UserFactory(name="ann", full_name="Ann Example")


@pytest.fixture
def owner(ann):
    """Ann with a write token."""
    return Caller(token_of(ann))


@pytest.fixture
def reader(ann):
    """Ann with a read token."""
    return Caller(token_of(ann, role="read"))


@pytest.fixture
def other(db):
    """Somebody else with a write token."""
    return Caller(token_of(UserFactory(name="bob")))


@pytest.fixture
def stranger(db):
    return Caller()


@pytest.fixture
def repo(ann):
    return RepoFactory(actor=ann, name="model")


@pytest.fixture
def private_repo(ann):
    return RepoFactory(actor=ann, name="secret", visibility="private")
