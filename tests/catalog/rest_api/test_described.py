"""The OpenAPI description against the API itself: whatever it allows to be sent is answered as it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from django.core import signals
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from marketplace.wsgi import application
from tests.factories import RepoFactory, UserFactory, token_of

BOUNDS = settings(
    max_examples=12,
    deadline=None,
    database=None,
    derandomize=True,  # a failure must come back
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
CHECKS = (not_a_server_error, content_type_conformance, response_schema_conformance)
DESCRIBED = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))
OPERATIONS = {found.ok().label: found.ok() for found in DESCRIBED.get_all_operations()}


@pytest.fixture
def token(db) -> Iterator[str]:
    """Of a person with a model. Requests keep the test's own connection to the database, as Django's client does."""
    user = UserFactory(name="ann")
    RepoFactory(namespace=user.namespace, name="m")
    ends = (signals.request_started, signals.request_finished)
    for end in ends:
        end.disconnect(close_old_connections)
    yield token_of(user)
    for end in ends:
        end.connect(close_old_connections)


@pytest.mark.parametrize("label", OPERATIONS)
def test_whatever_the_description_allows_is_answered_as_it_says(label, token):
    @BOUNDS
    @given(case=OPERATIONS[label].as_strategy())
    def ask(case: schemathesis.Case) -> None:
        if "owner" in case.path_parameters:
            case.path_parameters.update(owner="ann", name="m")
        case.call_and_validate(
            app=application,
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {token}"},
            checks=list(CHECKS),
        )

    ask()
