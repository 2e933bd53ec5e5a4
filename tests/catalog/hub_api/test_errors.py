"""Every error is told in the Hub's words, and nothing about private repos leaks through them."""

from __future__ import annotations

import json
import logging

import pytest
from django.test import RequestFactory

from catalog import errors
from catalog.actors import ANONYMOUS, Actor
from catalog.errors import CatalogError
from catalog.hub_api.endpoint import endpoint
from catalog.hub_api.errors import ANSWERS, error_response
from catalog.models import User

PRIVATE_PATHS = [
    "/api/models/ann/secret",
    "/api/models/ann/secret/revision/main",
    "/api/models/ann/secret/tree/main",
    "/api/models/ann/secret/commits/main",
    "/api/models/ann/secret/refs",
    "/api/models/ann/secret/xet-read-token/main",
    "/api/models/ann/secret/xet-write-token/main",
    "/ann/secret/resolve/main/.gitattributes",
    "/ann/secret/raw/main/.gitattributes",
]


def classes_of(root: type[CatalogError]) -> list[type[CatalogError]]:
    return [root, *(one for child in root.__subclasses__() for one in classes_of(child))]


def test_every_error_of_the_catalogue_has_an_answer():
    missing = [one.__name__ for one in classes_of(CatalogError) if one.__module__ == "catalog.errors"]
    missing = [name for name in missing if getattr(errors, name) not in ANSWERS]

    assert missing == []


def test_a_missing_repo_is_401_to_strangers_and_404_to_people():
    request = RequestFactory().get("/")

    to_stranger = error_response(request, errors.RepoNotFound(), ANONYMOUS)
    to_person = error_response(request, errors.RepoNotFound(), Actor(user=User()))

    assert (to_stranger.status_code, to_person.status_code) == (401, 404)
    assert to_stranger["X-Error-Code"] == to_person["X-Error-Code"] == "RepoNotFound"


def test_messages_become_one_line_of_ascii_in_the_header():
    problem = errors.InvalidPath("The path 'zażółć\r\nSet-Cookie: a=b' is refused")

    response = error_response(RequestFactory().get("/"), problem, ANONYMOUS)

    assert response["X-Error-Message"] == "The path 'za\\u017c\\xf3\\u0142\\u0107  Set-Cookie: a=b' is refused"
    assert json.loads(response.content)["error"] == problem.message


def test_an_unknown_file_names_the_commit_that_was_searched():
    problem = errors.EntryNotFound(commit="c" * 40)

    response = error_response(RequestFactory().get("/"), problem, ANONYMOUS)

    assert response.status_code == 404
    assert response["X-Repo-Commit"] == "c" * 40


def test_busy_answers_say_when_to_come_back():
    response = error_response(RequestFactory().get("/"), errors.Busy(), ANONYMOUS)

    assert response.status_code == 503
    assert response["Retry-After"] == "2"


def test_a_fault_of_ours_is_a_500_without_details(caplog):
    def fails(request, actor):
        raise RuntimeError("the password is swordfish")

    with caplog.at_level(logging.CRITICAL, logger="catalog.hub_api.endpoint"):
        response = endpoint(GET=fails)(RequestFactory().get("/"))

    assert response.status_code == 500
    assert b"swordfish" not in response.content


@pytest.mark.parametrize("path", PRIVATE_PATHS)
def test_a_private_repo_answers_like_a_missing_one(path, private_repo, stranger, other):
    missing = path.replace("/secret", "/nothing")

    for caller, status in ((stranger, 401), (other, 404)):
        found, absent = caller.get(path), caller.get(missing)

        assert found.status_code == absent.status_code == status
        assert found["X-Error-Code"] == absent["X-Error-Code"] == "RepoNotFound"
        assert _without_id(found) == _without_id(absent)


@pytest.mark.parametrize(
    "path",
    [
        "/api/models/gpt2",
        "/api/models/gpt2/revision/main",
        "/api/models/gpt2/tree/main",
        "/api/datasets/squad",
        "/api/kernels/ann/kernel",
        "/api/buckets/ann/bucket",
        "/gpt2/resolve/main/config.json",
        "/datasets/squad/resolve/main/README.md",
        "/kernels/ann/app/resolve/main/app.py",
    ],
)
def test_bare_ids_and_other_kinds_are_repos_not_found(path, owner):
    response = owner.get(path)

    assert response.status_code == 404
    assert response["X-Error-Code"] == "RepoNotFound"


@pytest.mark.parametrize("path", ["/api/papers/2401.00001", "/api/daily_papers"])
def test_parts_of_the_hub_that_are_not_here_answer_501_in_json(path, repo, owner):
    response = owner.get(path)

    assert response.status_code == 501
    assert response["X-Error-Code"] == "NotServed"
    assert response.json()["error"]


def test_bad_tokens_are_refused_on_every_route(repo, stranger):
    stranger.token = "hf_" + "a" * 40

    response = stranger.get("/api/models/ann/model")

    assert response.status_code == 401
    assert response["X-Error-Message"] == "Invalid credentials in Authorization header"


def test_cookies_change_nothing_here(repo, stranger, ann):
    stranger.client.force_login(ann)

    response = stranger.json("POST", "/api/repos/create", {"name": "another"})

    assert response.status_code == 401


def test_a_wrong_method_names_the_right_ones(owner):
    response = owner.json("PATCH", "/api/repos/create")

    assert response.status_code == 405
    assert response["Allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"name": "x"}', "text/plain"),
        (b'{"name": "\\u0000"}', "application/json"),
        (b'{"name": "\\ud800"}', "application/json"),
        (b'{"name": ' + b"[" * 100 + b"]" * 100 + b"}", "application/json"),
        (b"[" * 200_000, "application/json"),
    ],
)
def test_bodies_that_are_no_sane_json_are_400(body, content_type, owner):
    response = owner.request("POST", "/api/repos/create", body, content_type=content_type)

    assert response.status_code == 400
    assert response["X-Error-Code"] == "BadInput"


def test_an_endless_json_body_is_413(owner):
    response = owner.request("POST", "/api/repos/create", b'"' + b"a" * 9_000_000 + b'"')

    assert response.status_code == 413


@pytest.mark.parametrize("path", ["/api/models/ann/model/tree/main/%00", "/api/models/ann/model/tree/main/%ff"])
def test_paths_that_are_no_text_are_not_found(path, repo, owner):
    assert owner.get(path).status_code in (404, 501)


def _without_id(response) -> dict:
    return {**response.json(), "request_id": ""}
