"""What the inner loop runs is read off the tests and the changed files; see tests/fast.py."""

import pytest

from tests import fast


@pytest.fixture
def server():
    from tests.processes import Hub

    return Hub


def test_a_test_without_database_or_process_is_one_of_plain_code(request, tmp_path):
    assert fast.is_plain(request.node)


@pytest.mark.django_db
def test_one_that_is_marked_for_the_database_is_not(request):
    assert not fast.is_plain(request.node)


def test_one_with_the_database_among_its_fixtures_is_not(request, db):
    assert not fast.is_plain(request.node)


def test_one_that_imports_a_starter_of_processes_is_not(request):
    import subprocess

    assert subprocess
    assert not fast.is_plain(request.node)


def test_one_with_a_fixture_that_starts_a_site_is_not(request, server):
    assert not fast.is_plain(request.node)


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ("evaluation/metrics/pairing.py", "tests/evaluation/metrics/test_pairing.py"),
        ("catalog/actions/history/commits.py", "tests/catalog/actions/test_commits.py"),
        ("evaluation/metrics/kinds/labels.py", "tests/evaluation/metrics"),
        ("marketplace/health.py", "tests/platform/test_health.py"),
        ("marketplace/settings.py", "tests/platform"),
        ("templates/catalog/model.html", "tests/pages"),
        ("tests/evaluation/metrics/test_pairing.py", "tests/evaluation/metrics/test_pairing.py"),
        ("tests/catalog/git_http/conftest.py", "tests/catalog/git_http"),
        ("tests/processes.py", None),
        ("catalog/urls.py", None),
        ("Makefile", None),
    ],
)
def test_a_changed_file_brings_the_tests_that_mirror_it(changed, place):
    assert fast.place_of(changed) == place


def test_a_place_holds_what_is_below_it_and_nothing_of_a_similar_name():
    places = frozenset({"tests/pages", "tests/platform/test_fast.py"})

    assert fast.is_below("tests/pages/test_charts.py", places)
    assert fast.is_below("tests/platform/test_fast.py", places)
    assert not fast.is_below("tests/pages_of_old/test_charts.py", places)
