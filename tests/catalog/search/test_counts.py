"""Counts are a luxury: old ones while new ones are made, none without a cache."""

import time

import pytest
from django.core.cache import cache

from catalog.queries import facets, remembering
from catalog.queries.facets import counts, public_values
from catalog.queries.remembering import remembered
from catalog.queries.search_request import SearchRequest
from tests.catalog.rows import repo

pytestmark = pytest.mark.django_db

LASTS = {"fresh_seconds": 60, "kept_seconds": 600}


@pytest.fixture(autouse=True)
def forget():
    cache.clear()


@pytest.fixture
def without_cache(settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }


def test_what_is_known_is_not_computed_again():
    assert remembered("test", lambda: "first", **LASTS).value == "first"

    assert remembered("test", lambda: "second", **LASTS).value == "first"


def test_while_one_computes_others_get_nothing_rather_than_compute():
    # given
    seen = []

    def slow():
        seen.append(remembered("test", lambda: seen.append("computed twice"), **LASTS))
        return "mine"

    # when
    mine = remembered("test", slow, **LASTS)

    # then
    assert (mine.value, mine.is_busy) == ("mine", False)
    assert [(other.value, other.is_busy) for other in seen] == [(None, True)]


def test_while_one_renews_others_get_the_old_value(monkeypatch):
    # given
    remembered("test", lambda: "old", **LASTS)
    later = time.time() + 61
    monkeypatch.setattr(remembering.time, "time", lambda: later)
    seen = []

    # when
    new = remembered("test", lambda: seen.append(remembered("test", str, **LASTS)) or "new", **LASTS)

    # then
    assert [other.value for other in seen] == ["old"]
    assert new.value == "new"
    assert remembered("test", str, **LASTS).value == "new"


def test_an_old_value_will_do_where_any_age_does(monkeypatch):
    # given
    remembered("test", lambda: "old", **LASTS)
    later = time.time() + 61

    # when
    monkeypatch.setattr(remembering.time, "time", lambda: later)

    # then
    assert remembered("test", lambda: "new", any_age=True, **LASTS).value == "old"


def test_a_computation_that_fails_leaves_no_lock():
    with pytest.raises(ZeroDivisionError):
        remembered("test", lambda: 1 // 0, **LASTS)

    assert remembered("test", lambda: 1, **LASTS).value == 1


@pytest.mark.usefixtures("without_cache")
def test_without_a_cache_nothing_is_counted(django_assert_num_queries):
    repo(task="translation")

    with django_assert_num_queries(0):
        assert counts(SearchRequest(), user=None).value is None
        assert public_values("model").value is None


def test_counts_are_of_one_reader_and_one_question():
    # given
    secret = repo("owner/secret", visibility="private", task="translation")
    repo(task="fill-mask")

    # then
    assert counts(SearchRequest(), user=secret.namespace.user).value.total == facets.Total(2)
    assert counts(SearchRequest(), user=None).value.total == facets.Total(1)
    assert counts(SearchRequest(task=("translation",)), user=None).value.total == facets.Total(0)
