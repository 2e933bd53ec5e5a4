"""The schema and its page."""

from __future__ import annotations

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tests.raw_client import RawClient


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_schema_is_valid_and_names_every_promised_address(schema):
    validate_schema(schema)

    promised = {
        "/api/v1/models", "/api/v1/models/{owner}/{name}", "/api/v1/models/{owner}/{name}/files",
        "/api/v1/models/{owner}/{name}/archive/{revision}.tar", "/api/v1/models/{owner}/{name}/rating",
        "/api/v1/models/{owner}/{name}/reviews", "/api/v1/datasets", "/api/v1/tokens", "/api/v1/tokens/{token_id}",
    }  # fmt: skip
    assert promised <= set(schema["paths"])


def test_every_operation_says_how_it_fails(schema):
    ours = [
        path for path in schema["paths"] if path.startswith(("/api/v1/models", "/api/v1/datasets", "/api/v1/tokens"))
    ]

    for path in ours:
        for operation in schema["paths"][path].values():
            assert operation["responses"]["default"]["content"]["application/json"]["schema"] == {
                "$ref": "#/components/schemas/ErrorOut"
            }


@pytest.mark.django_db
def test_the_schema_is_served():
    answer = RawClient().get("/api/v1/schema")

    assert answer.status_code == 200
    assert b"openapi: 3" in answer.content


@pytest.mark.django_db
def test_the_documentation_loads_local_files_under_a_policy_of_its_own():
    page = RawClient().get("/api/docs")
    script = RawClient().get("/api/docs?script=")

    policy = page["Content-Security-Policy"]
    assert page.status_code == 200
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy.replace("style-src 'self' 'unsafe-inline'", "")
    assert b"//cdn" not in page.content
    assert script["Content-Type"].startswith("application/javascript")
    assert b"/api/v1/schema" in script.content
