"""Definitions and data of teams: what is taken, what is refused and how, and that equal ones stay apart."""

import pytest

from catalog.errors import NotAllowed
from catalog.models import Repo
from evaluation.actions import automatic, benchmark_datasets, team_benchmarks
from evaluation.actions.benchmark_datasets import Asked
from evaluation.benchmarks.definitions import load_definition
from evaluation.errors import BadDataset, BadDefinition, BenchmarkNotFound
from evaluation.models import Benchmark, Run
from evaluation.queries.benchmarks import benchmark_named, slug_of
from evaluation.queries.datasets import data_state
from tests.evaluation import teams
from tests.evaluation.benchmarks.test_uploads import png, zipped
from tests.factories import OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db

FIFTY = "text,label\n" + "".join(f"sample {number},{'spam' if number % 3 else 'ham'}\n" for number in range(50))


@pytest.fixture
def boss():
    return UserFactory(name="boss")


@pytest.fixture
def team(boss):
    return OrganisationFactory(name="acme", admin=boss).namespace


def upload(team, boss, **changed):
    asked = {"name": "spam", "task": "text-classification", "filename": "spam.csv", "content": FIFTY.encode()} | changed
    return benchmark_datasets.upload_dataset(asked=Asked(**asked), namespace=team, actor=boss)


def test_fifty_labelled_samples_are_enough_to_start(team, boss):
    made = upload(team, boss)

    found, created = team_benchmarks.upload_definition(text=made.definition, namespace=team, actor=boss)

    assert created
    assert (found.slug, found.namespace, found.created_by) == ("acme--spam", team, boss)
    assert made.repo.is_private
    assert data_state(found, None).commit.oid == made.commit.oid
    model = teams.RepoFactory()
    teams.arrangement.commit_model(model, labels={"0": "ham", "1": "spam"})
    teams.RepoFacts.objects.filter(repo=model).update(task="text-classification")
    model.refresh_from_db()
    run = teams.scored(model, found, boss, wrong=5)
    assert run.scores.get(metric="accuracy").value == pytest.approx(0.9)


def test_a_second_upload_is_the_next_revision_and_the_first_stays_pinned(team, boss):
    first = upload(team, boss)
    found, _ = team_benchmarks.upload_definition(text=first.definition, namespace=team, actor=boss)

    second = upload(team, boss, filename="spam.jsonl", content=teams.lines(*teams.ROWS))

    assert second.repo == first.repo
    assert data_state(found, boss).commit.oid == first.commit.oid != second.commit.oid
    load_definition(second.definition)
    later = second.definition.replace("version: 1", "version: 2")
    newer, _ = team_benchmarks.upload_definition(text=later, namespace=team, actor=boss)
    assert newer.definition["dataset"]["expect_rows"] == 20


def test_a_zip_of_images_becomes_files_and_a_table(team, boss):
    content = zipped({f"{label}/{n}.png": png(side=n + 1) for n in range(3) for label in ("cat", "dog")})

    made = upload(team, boss, task="image-classification", filename="pets.zip", content=content, name="pets")

    assert made.checked.rows == 6
    found, _ = team_benchmarks.upload_definition(text=made.definition, namespace=team, actor=boss)
    assert found.task == "image-classification"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"content": b"text,label\nx,a\n,b\n"}, "Line 3: the text in 'text' is empty"),
        ({"content": b"text,label\nx,a\ny,a\n"}, "At least two different labels are needed."),
        ({"content": b"text,label\nx,a\n"}, "At least 2 rows are needed."),
        ({"content": b"words,label\nx,a\ny,b\n"}, "Line 2: there is no column 'text'."),
        ({"filename": "spam.exe"}, "none of the formats"),
        ({"task": "juggling"}, "The task is one of"),
        ({"content": b"x" * (benchmark_datasets.LARGEST_UPLOAD + 1)}, "larger than 50 MiB"),
    ],
)
def test_bad_data_is_refused_line_by_line_and_leaves_nothing(team, boss, changed, said):
    with pytest.raises(BadDataset) as refused:
        upload(team, boss, **changed)

    assert said in refused.value.message
    assert not Repo.objects.filter(kind=Repo.Kind.DATASET).exists()


def test_an_upload_never_lands_in_a_public_dataset(team, boss):
    teams.dataset(team, boss, name="spam", visibility="public")

    with pytest.raises(NotAllowed, match="acme/spam is a public dataset"):
        upload(team, boss)


@pytest.mark.parametrize(
    ("replaced", "said"),
    [
        ({"revision": "main"}, "dataset.revision: give a commit of 40 hex digits"),
        ({"revision": "unknown"}, "dataset.revision: give the commit"),
        ({"more": "surprise: 1"}, "surprise: unknown key"),
        ({"labels": "{0: neg, 1: neutral}"}, None),
        ({"labels": "{0: neg}"}, "the target 1 is none of the labels"),
        ({"dataset": ", expect_rows: 21"}, "has 20 rows in 'test'; 21 are expected"),
        ({"split": "validation"}, "no split 'validation'"),
        ({"more": "limits: {minutes: 100000}"}, "limits.minutes: a team's benchmark may ask for 240 at most"),
        ({"more": "uncertainty: {resamples: 100000}"}, "uncertainty.resamples: take at most 10000"),
        ({"repo": "builtin:nothing", "revision": "x==1"}, "no data of that name comes with this program"),
        ({"id": "a--b"}, "single hyphens"),
        (
            {
                "more": "engine: {name: mteb, harness_task: Banking77}",
                "request": "embed",
                "metric": "mteb_accuracy",
            },
            "engine.name: a team's benchmark is asked",
        ),
        ({"metric": "wishful"}, "is not a metric"),
    ],
)
def test_a_definition_is_checked_on_its_data_before_it_is_kept(team, boss, replaced, said):
    repo, commit = teams.dataset(team, boss)
    text = teams.definition_text(replaced.pop("repo", repo.full_name), replaced.pop("revision", commit.oid), **replaced)

    if said is None:
        team_benchmarks.upload_definition(text=text, namespace=team, actor=boss)
        return
    with pytest.raises(BadDefinition) as refused:
        team_benchmarks.upload_definition(text=text, namespace=team, actor=boss)

    assert said in refused.value.message
    assert not Benchmark.objects.exists()


def test_the_same_definition_again_changes_nothing_and_another_needs_a_new_version(team, boss):
    repo, commit = teams.dataset(team, boss)
    text = teams.definition_text(repo.full_name, commit.oid)
    first, _ = team_benchmarks.upload_definition(text=text, namespace=team, actor=boss)

    again, created = team_benchmarks.upload_definition(text=text, namespace=team, actor=boss)

    assert (again.pk, created) == (first.pk, False)
    with pytest.raises(BadDefinition, match="acme--tickets@1 was changed without a new version"):
        team_benchmarks.upload_definition(text=text + "seed: 7\n", namespace=team, actor=boss)


def test_names_of_teams_never_meet():
    dotted, underlined = (OrganisationFactory(name=name).namespace for name in ("a.b", "a_b"))

    assert {slug_of("x", None), slug_of("x", dotted), slug_of("x", underlined)} == {"x", "a_-b--x", "a__b--x"}


def test_equal_definitions_of_two_teams_have_runs_of_their_own():
    one, other = UserFactory(), UserFactory()
    repo, commit = teams.dataset(one.namespace, one, visibility="public")
    text, model = teams.definition_text(repo.full_name, commit.oid), teams.model()
    runs = [
        teams.scored(model, team_benchmarks.upload_definition(text=text, namespace=who.namespace, actor=who)[0], who)
        for who in (one, other)
    ]

    assert runs[0].run_key != runs[1].run_key
    assert [Run.objects.visible_to(who).count() for who in (one, other, None)] == [1, 1, 0]


def test_a_teams_benchmark_measures_its_own_models_by_itself_and_nobody_elses(team, boss, settings):
    settings.AUTO_EVALUATE, settings.AUTO_EVALUATE_DELAY_SECONDS = True, 0
    found = teams.benchmark(team, boss)
    own, foreign = teams.model(namespace=team, actor=boss), teams.model()

    queued = automatic.schedule_automatic()

    assert [(run.repo, run.benchmark) for run in queued if run.benchmark == found] == [(own, found)]
    assert foreign.pk not in {run.repo_id for run in queued if run.benchmark == found}


def test_the_benchmark_of_another_team_is_not_there(team, boss):
    found = teams.benchmark(team, boss)
    stranger = UserFactory()

    assert benchmark_named(found.slug, boss) == found
    for who in (None, stranger):
        with pytest.raises(BenchmarkNotFound, match="no benchmark named"):
            benchmark_named(found.slug, who)
