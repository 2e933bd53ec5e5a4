"""How far Django looks for the addresses that are asked for most."""

from __future__ import annotations

import pytest
from django.urls import URLPattern, resolve

from tests.raw_client import RawClient


@pytest.fixture
def tried(monkeypatch):
    """Every route that was held against an address, in order."""
    routes: list[str] = []
    match = URLPattern.resolve

    def noted(self, path):
        routes.append(str(self.pattern))
        return match(self, path)

    monkeypatch.setattr(URLPattern, "resolve", noted)
    return routes


@pytest.mark.parametrize(
    ("address", "steps"),
    [
        ("/ann/model/resolve/main/sub/w.bin", 1),
        ("/datasets/ann/data/resolve/refs%2Fpr%2F1/w.bin", 2),
        ("/spaces/ann/app/resolve/main/app.py", 3),
    ],
)
def test_the_address_of_a_file_is_found_at_once(address, steps, tried):
    found = resolve(address)

    assert len(tried) == steps
    assert found.route.endswith("/resolve/<revision:revision>/<filepath:path>")
    assert found.kwargs["kind"] == ("model", "dataset", "space")[steps - 1]
    assert found.kwargs["owner"] == "ann"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/datasets/ann/resolve/main/x", 401, "RepoNotFound"),  # a model of somebody named "datasets"
        ("/docs/ann/resolve/main/x", 401, "RepoNotFound"),
        ("/gpt2/resolve/main/x", 401, "RepoNotFound"),
        ("/kernels/ann/x/resolve/main/x", 401, "RepoNotFound"),
        ("/api/ann/resolve/main/x", 501, "NotServed"),
        ("/v1/ann/resolve/main/x", 404, "NotFound"),
    ],
)
def test_what_nobody_can_own_is_answered_by_the_routes_behind(address, status, code):
    answer = RawClient().get(address)

    assert (answer.status_code, answer["X-Error-Code"]) == (status, code)
