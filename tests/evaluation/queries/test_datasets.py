"""Whether the data of a benchmark is here: by name, by mirror, for whom, and what is said until then."""

import pytest

from catalog.actions import repos
from catalog.models import Mirror, Repo
from evaluation.actions import benchmarks, runs
from evaluation.benchmarks.definitions import load_definition
from evaluation.errors import NotEvaluable
from evaluation.queries import datasets
from tests.evaluation import arrangement, teams
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content

pytestmark = pytest.mark.django_db


def site_benchmark(repo: str, revision: str):
    return benchmarks.publish(load_definition(teams.definition_text(repo, revision)))


def test_a_benchmark_waits_until_its_data_is_mirrored_and_then_runs():
    ann = UserFactory()
    mirror = RepoFactory(kind=Repo.Kind.DATASET, name="copy-of-glue")
    commit = commit_content(mirror, {"data/test.jsonl": teams.lines(*teams.ROWS)})
    found, model = site_benchmark("nyu-mll/glue", commit.oid), teams.model()

    before = datasets.data_state(found, None)
    with pytest.raises(NotEvaluable) as refused:
        runs.request_run(repo=model, benchmark=found, actor=ann)
    Mirror.objects.create(repo=mirror, source="huggingface", endpoint="http://hub", upstream_name="nyu-mll/glue")

    assert before.sentence == refused.value.message == f"Waiting for data: mirror nyu-mll/glue@{commit.oid}"
    assert datasets.data_state(found, None).is_ready
    run = teams.scored(model, found, ann, wrong=2)
    assert (run.state, run.scores.get(metric="accuracy").value) == ("succeeded", 0.9)


def test_a_dataset_of_the_same_name_will_do_and_another_commit_will_not():
    ann = UserFactory(name="nyu-mll")
    repo, commit = teams.dataset(ann.namespace, ann, name="Glue", visibility="public")
    found = site_benchmark("NYU-MLL/glue", commit.oid)
    other = benchmarks.publish(load_definition(teams.definition_text("nyu-mll/glue", "f" * 40, id="other")))

    states = datasets.data_states([found, other], None)

    assert states[found.pk].commit.repo == repo
    assert states[other.pk].code == "waiting"


def test_the_same_commit_under_another_name_is_not_taken_for_it():
    ann = UserFactory(name="mallory")
    _repo, commit = teams.dataset(ann.namespace, ann, name="glue", visibility="public")

    assert datasets.data_state(site_benchmark("nyu-mll/glue", commit.oid), None).code == "waiting"


def test_a_private_or_gated_copy_counts_only_for_who_may_have_its_files():
    ann, eve = UserFactory(name="nyu-mll"), UserFactory()
    repo, commit = teams.dataset(ann.namespace, ann, name="glue")
    found = site_benchmark("nyu-mll/glue", commit.oid)

    private = [datasets.data_state(found, who).code for who in (None, eve, ann)]
    repos.change_settings(repo=repo, visibility="public", gate="manual", actor=ann)
    gated = [datasets.data_state(found, who).code for who in (None, eve, ann)]

    assert private == gated == ["waiting", "waiting", "ready"]


def test_a_deleted_dataset_is_waited_for_again():
    ann = UserFactory(name="nyu-mll")
    repo, commit = teams.dataset(ann.namespace, ann, name="glue", visibility="public")
    found = site_benchmark("nyu-mll/glue", commit.oid)

    repos.delete_repo(repo=repo, actor=ann)

    assert datasets.data_state(found, ann).code == "waiting"


def test_the_data_of_a_team_serves_its_benchmark_whoever_asks():
    boss, helper = UserFactory(), UserFactory()
    team = OrganisationFactory(admin=boss, members={"read": [helper]}).namespace
    found = teams.benchmark(team, boss)

    assert datasets.data_state(found, None).is_ready
    assert teams.scored(teams.model(), found, helper).state == "succeeded"


def test_states_of_many_benchmarks_cost_three_queries(django_assert_max_num_queries):
    ann = UserFactory(name="nyu-mll")
    _repo, commit = teams.dataset(ann.namespace, ann, name="glue", visibility="public")
    many = [
        benchmarks.publish(load_definition(teams.definition_text(f"nyu-mll/glue{number}", commit.oid, id=f"b{number}")))
        for number in range(8)
    ]

    digits = arrangement.benchmark("digits")

    with django_assert_max_num_queries(3):
        states = datasets.data_states([*many, digits], None)

    assert sorted({state.code for state in states.values()}) == ["ready", "waiting"]
