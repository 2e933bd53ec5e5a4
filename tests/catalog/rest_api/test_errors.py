"""One shape for every error, whatever raised it."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError
from psycopg import errors as pg
from rest_framework.test import APIRequestFactory

from catalog import errors
from catalog.errors import CatalogError
from catalog.rest_api.v1.base import ApiView
from catalog.rest_api.v1.errors import STATUSES, exception_handler
from evaluation.errors import EvaluationError
from tests.factories import RepoFactory, UserFactory, token_of

SHAPE = {"error", "error_code", "request_id", "details"}


def tree(error: type[CatalogError]) -> list[type[CatalogError]]:
    return [error, *(below for child in error.__subclasses__() for below in tree(child))]


def answered(error: Exception):
    request = ApiView().initialize_request(APIRequestFactory().get("/api/v1/models"))
    return exception_handler(error, {"request": request, "view": ApiView()})


@pytest.mark.parametrize("error", [known for known in tree(CatalogError) if known.__module__ == "catalog.errors"])
def test_every_error_of_the_catalogue_has_a_status_of_its_own(error):
    assert error in STATUSES

    answer = answered(error("It is so.", path="a"))

    assert answer.data["error_code"] == answer["X-Error-Code"] == error.__name__
    assert set(answer.data) == SHAPE


def test_an_error_we_do_not_list_takes_the_status_of_its_parent():
    assert answered(EvaluationError("no")).status_code == 500


@pytest.mark.django_db
@pytest.mark.parametrize("megabytes", [2, 20])
def test_a_body_that_is_too_large_is_413_whoever_notices(raw_client, megabytes):
    repo, token = RepoFactory(), token_of(UserFactory())

    answer = raw_client.put(
        f"/api/v1/models/{repo.namespace.name}/{repo.name}/rating",
        b'{"text": "' + b"x" * (megabytes * 2**20) + b'"}',
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )

    assert (answer.status_code, answer["X-Error-Code"]) == (413, "TooLarge")


def test_a_busy_database_asks_to_come_back():
    busy = OperationalError("canceling statement")
    busy.__cause__ = pg.QueryCanceled()

    answer = answered(busy)

    assert answer.status_code == 503
    assert answer["Retry-After"] == "2"


def test_a_fault_of_ours_says_nothing_of_itself(caplog):
    answer = answered(RuntimeError("password is hunter2"))

    assert answer.status_code == 500
    assert "hunter2" not in json.dumps(answer.data)
    assert "hunter2" in caplog.text


def test_a_message_cannot_add_headers():
    answer = answered(errors.BadInput("one\r\nSet-Cookie: x=1 ł"))

    assert "\n" not in answer["X-Error-Message"]
    assert answer["X-Error-Message"].isascii()


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_an_unknown_address_is_404_in_json(api, method):
    answer = getattr(api(), method)("nothing/here")

    assert answer.status_code == 404
    assert set(answer.json()) == SHAPE


@pytest.mark.django_db
def test_a_method_that_is_not_offered_is_405(api):
    answer = api().delete("models")

    assert answer.status_code == 405
    assert answer.json()["error_code"] == "MethodNotAllowed"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ('{"stars": NaN}', 400),
        ("[" * 100_000, 400),
        ("[" * 70 + "]" * 70, 400),
        ('{"stars": 3, "text": "' + "x" * 1_100_000 + '"}', 413),
        (b"\xff\xfe", 400),
    ],
)
def test_a_body_that_is_too_much_is_refused(api, body, status):
    repo = RepoFactory()

    answer = api(UserFactory()).put(f"models/{repo.full_name}/rating", body)

    assert answer.status_code == status
    assert set(answer.json()) == SHAPE


@pytest.mark.django_db
def test_only_json_bodies_are_read(api):
    repo = RepoFactory()
    client = api(UserFactory())

    answer = client.client.put(
        f"/api/v1/models/{repo.full_name}/rating", '{"stars": 3}', content_type="text/plain", headers=client.headers
    )

    assert answer.status_code == 415
