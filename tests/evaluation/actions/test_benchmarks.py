import dataclasses

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evaluation import harnesses
from evaluation.actions import benchmarks
from evaluation.benchmarks.definitions import builtin_definitions, definition_hash, library_definitions
from evaluation.errors import BadDefinition
from evaluation.models import Benchmark
from evaluation.queries.benchmarks import benchmark_named, benchmarks_for, definition_of
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def digits():
    return next(one for one in builtin_definitions() if one.id == "digits")


def test_the_built_in_benchmarks_become_rows_once(capsys):
    call_command("sync_benchmarks")
    first = list(Benchmark.objects.order_by("slug").values())

    call_command("sync_benchmarks")

    assert list(Benchmark.objects.order_by("slug").values()) == first
    assert "digits@1" in capsys.readouterr().out
    carried = [*builtin_definitions(), *library_definitions(), *harnesses.definitions()]
    assert {row["slug"] for row in first} == {definition.id for definition in carried}


@pytest.mark.parametrize("sync", [benchmarks.sync_builtin, benchmarks.sync_library])
def test_a_start_asks_once_for_what_is_there_and_writes_what_changed_alone(sync, django_assert_num_queries):
    first = sync()
    first[-1].title = "Another"
    first[-1].save()
    carried = next(
        one
        for one in [*builtin_definitions(), *library_definitions(), *harnesses.definitions()]
        if one.id == first[-1].slug
    )

    with CaptureQueriesContext(connection) as asked:
        again = sync()

    assert again == first
    assert again[-1].title == carried.title
    assert [query["sql"].split()[0] for query in asked if query["sql"].startswith(("INSERT", "UPDATE"))] == ["UPDATE"]
    with django_assert_num_queries(1):
        sync()


@pytest.mark.parametrize("definition", builtin_definitions(), ids=lambda one: one.id)
def test_a_definition_survives_the_database(definition):
    benchmark = benchmarks.publish(definition)
    benchmark.refresh_from_db()

    again = definition_of(benchmark)

    assert again == definition
    assert definition_hash(again) == benchmark.definition_hash


def test_a_change_without_a_new_version_is_refused():
    benchmarks.publish(digits())

    with pytest.raises(BadDefinition, match="digits@1 was changed without a new version"):
        benchmarks.publish(dataclasses.replace(digits(), seed=99))


def test_words_may_change_without_a_new_version():
    benchmarks.publish(digits())

    benchmarks.publish(dataclasses.replace(digits(), title="Digits, by hand"))

    assert benchmark_named("digits", None).title == "Digits, by hand"


def test_the_newest_version_is_the_one_in_use():
    benchmarks.publish(digits())
    benchmarks.publish(dataclasses.replace(digits(), version=3, seed=3))
    benchmarks.publish(dataclasses.replace(digits(), version=2, seed=2))

    assert benchmark_named("digits", None).version == 3
    assert benchmark_named("digits", None, 1).version == 1


def test_benchmarks_are_chosen_by_what_they_take():
    benchmarks.sync_builtin()
    ann = UserFactory().namespace

    assert "digits" in [one.slug for one in benchmarks_for("image-classification", ann)]
    assert [one.slug for one in benchmarks_for("sentence-similarity", ann)] == ["bitext", "retrieval-en"]
    assert benchmarks_for("text-to-video", ann) == []
