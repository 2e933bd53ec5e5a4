"""What git is told about errors: a status for each, and a paragraph it prints."""

import pytest
from django.test import RequestFactory

from catalog import errors
from catalog.actors import ANONYMOUS, Actor
from catalog.git_http.errors import error_response, status_of
from catalog.models import User


def descendants(error):
    return [one for child in error.__subclasses__() for one in (child, *descendants(child))]


# Those of other apps never reach git; whether they are imported depends on which tests ran before.
OF_THE_CATALOGUE = [error for error in descendants(errors.CatalogError) if error.__module__.startswith("catalog.")]


@pytest.mark.parametrize("error", OF_THE_CATALOGUE, ids=lambda error: error.code)
def test_no_error_of_the_catalogue_is_told_as_a_failure_of_ours(error):
    assert 400 <= status_of(error()) <= 507
    assert status_of(error()) != 500


def test_strangers_are_asked_who_they_are_where_a_repo_may_be_hidden():
    request = RequestFactory().get("/a/b.git/info/refs")
    told = {}
    for error in (errors.RepoNotFound(), errors.GatedRepo("Ask first.")):
        for actor in (ANONYMOUS, Actor(user=User(username="ann"))):
            response = error_response(request, error, actor)
            told[error.code, actor.is_anonymous] = response.status_code, response.headers.get("WWW-Authenticate")

    assert told == {
        ("repo_not_found", True): (401, 'Basic realm="hub"'),
        ("repo_not_found", False): (404, None),
        ("gated_repo", True): (401, 'Basic realm="hub"'),
        ("gated_repo", False): (403, None),
    }
