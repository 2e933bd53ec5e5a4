"""A definition whose data nobody could pin: it says so, and an operator pins it."""

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Mirror, Repo
from evaluation.actions import benchmarks, pinning
from evaluation.benchmarks.definitions import definition_hash, load_definition
from evaluation.errors import BadDefinition, NotEvaluable
from evaluation.models import Benchmark
from evaluation.queries import datasets
from evaluation.queries.benchmarks import definition_of
from tests.evaluation import teams
from tests.factories import RepoFactory, UserFactory, commit_content

pytestmark = pytest.mark.django_db

UNPINNED = load_definition(teams.definition_text("unc/coco", "unknown", id="coco"))


@pytest.fixture
def coco():
    return benchmarks.publish(UNPINNED)


@pytest.fixture
def commit():
    mirror = RepoFactory(kind=Repo.Kind.DATASET)
    found = commit_content(mirror, {"data/test.jsonl": teams.lines(*teams.ROWS)})
    Mirror.objects.create(
        repo=mirror, source="huggingface", endpoint="http://hub", upstream_name="unc/coco", upstream_oid=found.oid
    )
    return found


def test_an_unpinned_benchmark_says_so_and_does_not_run(coco, commit):
    assert datasets.data_state(coco, None).sentence == (
        "No revision of unc/coco is known here: an operator pins it with `manage.py pin_dataset coco`."
    )
    with pytest.raises(NotEvaluable, match="No revision of unc/coco is known here"):
        teams.scored(teams.model(), coco, UserFactory())


def test_a_pin_by_the_mirrors_commit_makes_it_run(coco, commit, capsys):
    call_command("pin_dataset", "coco")

    assert capsys.readouterr().out == f"coco@1 reads unc/coco@{commit.oid}\n"
    pinned = Benchmark.objects.get(slug="coco")
    assert teams.scored(teams.model(), pinned, UserFactory()).state == "succeeded"


def test_a_pin_changes_the_hash_and_outlives_the_next_start(coco):
    pinning.pin_dataset(slug="coco", revision="A" * 40)

    benchmarks.publish(UNPINNED)

    row = Benchmark.objects.get(slug="coco")
    assert definition_of(row).dataset.revision == "a" * 40
    assert row.definition_hash == definition_hash(definition_of(row)) != row.shipped_hash == definition_hash(UNPINNED)


def test_another_pin_is_refused_once_something_was_measured(coco, commit):
    pinned = pinning.pin_dataset(slug="coco")
    teams.scored(teams.model(), pinned, UserFactory())

    pinning.pin_dataset(slug="coco", revision=commit.oid)
    with pytest.raises(BadDefinition, match="scores of two revisions would stand in one column"):
        pinning.pin_dataset(slug="coco", revision="b" * 40)


@pytest.mark.parametrize(
    ("slug", "revision", "said"),
    [
        ("coco", "main", "a commit of 40 hex digits"),
        ("coco", "", "No mirror of unc/coco is here"),
        ("nothing", "a" * 40, "no benchmark named nothing"),
        ("pinned", "a" * 40, "pinned@1 came with its revision"),
    ],
)
def test_what_cannot_be_pinned_is_refused_with_the_reason(coco, slug, revision, said):
    benchmarks.publish(load_definition(teams.definition_text("a/b", "c" * 40, id="pinned")))

    with pytest.raises(CommandError, match=said):
        call_command("pin_dataset", slug, revision)
