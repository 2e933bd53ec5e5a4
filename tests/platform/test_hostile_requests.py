"""What nobody honest sends: it is refused, never an error of ours, and never a long wait."""

from __future__ import annotations

import json

import pytest

from tests.catalog.hub_api.conftest import Caller
from tests.factories import RepoFactory, UserFactory, token_of
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db

DEEP = "[" * 100_000
HOSTILE = [
    '{"name": NaN}',
    '{"name": Infinity, "title": -Infinity}',
    '{"name": 1e999}',
    '{"title": "\\u0000"}',
    '{"title": "\\ud800"}',
    '{"position": ' + "9" * 400 + "}",
    '{"limit": 99999999999999999999}',
    "[]",
    "null",
    '"x"',
    "",
    "{",
    DEEP,
    '{"a":' * 70 + "1" + "}" * 70,
    '{"title": ["x"], "name": {"a": 1}, "description": 7, "private": "yes", "gated": 1}',
    '{"name": "' + "x" * 5000 + '", "title": "' + "x" * 5000 + '"}',
    "\\xff\\xfe",
    '{"objects": [[]], "operation": []}',
    '{"deletions": {"sha": [7]}, "files": [7], "target": {"type": [], "name": 1}, "fromRepo": 1, "toRepo": []}',
    '{"item": {"type": "model", "id": "//"}, "watched": [7], "domains": [7], "url": 7, "status": 7, "content": 7}',
]
ROUTES = [
    ("POST", "/api/repos/create"),
    ("DELETE", "/api/repos/delete"),
    ("POST", "/api/repos/move"),
    ("POST", "/api/validate-yaml"),
    ("PUT", "/api/models/ann/model/settings"),
    ("POST", "/api/models/ann/model/paths-info/main"),
    ("POST", "/api/models/ann/model/branch/x"),
    ("POST", "/api/models/ann/model/tag/main"),
    ("POST", "/api/models/ann/model/super-squash/main"),
    ("POST", "/api/models/ann/model/lfs-files/batch"),
    ("POST", "/api/models/ann/model/discussions"),
    ("POST", "/api/models/ann/model/preupload/main"),
    ("POST", "/api/models/ann/model/commit/main"),
    ("POST", "/api/models/ann/model/duplicate"),
    ("POST", "/api/models/ann/model/lfs-files/duplicate"),
    ("POST", "/api/models/ann/model/user-access-request/grant"),
    ("POST", "/api/models/ann/model/user-access-request/handle"),
    ("POST", "/ann/model/ask-access"),
    ("POST", "/ann/model.git/info/lfs/objects/batch"),
    ("POST", "/ann/model.git/info/lfs/objects/verify"),
    ("POST", "/api/collections"),
    ("POST", "/api/settings/webhooks"),
    ("POST", "/oauth/device"),
    ("POST", "/oauth/token"),
    ("PUT", "/api/v1/models/ann/model/rating"),
    ("POST", "/api/v1/mirrors"),
    ("POST", "/api/v1/models/ann/model/runs"),
    ("POST", "/uploads"),
    ("POST", "/v1/shards"),
    ("POST", "/-/uploads/1?sig=x"),
]


@pytest.fixture
def caller():
    ann = UserFactory(name="ann")
    RepoFactory(actor=ann, name="model")
    return Caller(token_of(ann))


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_body_is_an_error_of_ours(method, path, caller):
    told = {}
    for body in HOSTILE:
        for media_type in ("application/json", "application/x-ndjson", "text/plain"):
            answer = caller.request(method, path, body.encode(), content_type=media_type)
            told[body[:60], media_type] = answer.status_code

    assert {what: status for what, status in told.items() if status >= 500 and status != 501} == {}


QUERIES = [
    "limit=0",
    "limit=-1",
    "limit=99999999999999999999",
    "limit=x",
    "cursor=x",
    "cursor=" + "A" * 5000,
    "search=" + "x" * 300,
    "search=%00",
    "search=%ff",
    "search=%25%5F%5C",
    "sort=password",
    "sort=namespace__user__password",
    "direction=7",
    "filter=" + "x" * 3000,
    "filter[]=",
    "expand[]=password",
    "expand=" + "x" * 500,
    "author=../..",
    "p=-1",
    "p=99999999999999",
    "num_parameters=min:x",
    "gated=maybe",
    "status=x",
    "type=x",
    "full=1&config=1",
    "params=min:1e9",
    "cursor=%E2%80%AE",
    "after=x",
    "state=x",
    "benchmark=x",
    "rating=nan",
    "rating=1e999",
    "axis=__class__",
    "max_parameters=nan",
]
LISTS = [
    "/api/models",
    "/api/datasets",
    "/api/models/ann/model/tree/main",
    "/api/models/ann/model/commits/main",
    "/api/models/ann/model/discussions",
    "/api/models/ann/model/likers",
    "/api/collections",
    "/api/v1/models",
    "/api/v1/runs",
    "/api/v1/models/ann/model/reviews",
    "/api/v1/models/ann/model/files",
    "/api/v1/mirrors",
    "/models",
    "/models/counted",
    "/runs",
    "/mirrors",
    "/collections",
    "/ann/model/commits/main",
    "/ann/model/discussions",
    "/ann/model/reviews",
    "/leaderboards",
    "/api/models/ann/model/lfs-files",
    "/api/v1/activity",
    "/activity/ann",
    "/api/users/ann/likes",
]


@pytest.mark.parametrize("path", LISTS)
def test_no_query_is_an_error_of_ours_and_no_page_is_large(path, caller):
    told = {query: caller.get(f"{path}?{query}").status_code for query in QUERIES}

    assert {query: status for query, status in told.items() if status >= 500} == {}


@pytest.mark.parametrize("path", ["/api/models", "/api/v1/models", "/api/datasets"])
def test_long_words_are_refused_before_anything_searches_for_them(path, caller):
    assert caller.get(f"{path}?search={'x' * 257}").status_code == 400
    assert caller.get(f"{path}?search={'x' * 256}").status_code == 200


ADDRESSES = [
    "/%00",
    "/ann/%2e%2e",
    "/ann/model/resolve/main/%2e%2e/%2e%2e/etc/passwd",
    "/ann/model/resolve/main/..%2f..%2fx",
    "/%ff",
    "/ann/model/resolve/%00/x",
    "/ann/model/tree/main/%c0%ae",
    "/api/models/ann/model/tree/" + "x" * 4000,
    "/ann//model",
    "//ann/model",
    "/ann/model/resolve/main/a%0d%0aSet-Cookie:x=1",
    "/api/models/%E2%80%AE/x",
    "/ann/model/commit/" + "f" * 41,
    "/-/lfs/" + "A" * 9000,
    "/ann/model/resolve/main/%25252e%25252e",
    "/api/models/ann/model/tree/main%00",
    "/ann/model/discussions/99999999999999999999",
    "/api/models/ann/model/discussions/99999999999999999999",
    "/runs/99999999999999999999",
    "/mirrors/99999999999999999999",
    "/api/v1/runs/99999999999999999999",
    "/api/v1/tokens/99999999999999999999",
    "/-/uploads/99999999999999999999?sig=x",
]


@pytest.mark.parametrize("path", ADDRESSES)
def test_no_address_is_an_error_of_ours(path, caller):
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE", "TRACE"):
        answer = caller.request(method, path)
        assert answer.status_code < 500 or answer.status_code == 501
        assert "\n" not in "".join(answer.headers.values())
        assert "Set-Cookie:x" not in str(answer.headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=" + ",".join(f"{n}-{n}" for n in range(2000))},
        {"Range": "bytes=5-1"},
        {"Range": "bytes=-0"},
        {"Range": "bytes=99999999999999999999-"},
        {"If-None-Match": '"' + "x" * 5000},
        {"Authorization": "Bearer " + "é"},
        {"Authorization": "Basic " + "=" * 3000},
        {"Cookie": "sessionid=" + "x" * 3000},
        {"Accept-Language": "x" * 3000},
        {"X-Forwarded-For": "::, x, 127.0.0.1"},
        {"If-Range": "x", "Range": "bytes=0-0"},
        {"Host": "testserver:99999"},
    ],
)
def test_no_header_is_an_error_of_ours(headers, caller):
    for path in (
        "/ann/model/resolve/main/.gitattributes",
        "/api/models/ann/model",
        "/api/v1/models",
        "/",
        "/ann/model",
    ):
        answer = RawClient().get(path, headers=headers)
        assert answer.status_code < 500
        if answer.streaming:
            assert sum(map(len, answer.streaming_content)) < 10_000


def test_json_is_read_only_where_it_is_declared(caller):
    body = json.dumps({"name": "made"}).encode()

    plain = caller.request("POST", "/api/repos/create", body, content_type="text/plain")
    form = caller.request("POST", "/api/v1/mirrors", body, content_type="application/x-www-form-urlencoded")

    assert (plain.status_code, form.status_code) == (400, 415)
