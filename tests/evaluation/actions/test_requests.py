import pytest

from catalog.errors import NotSignedIn, RevisionNotFound
from catalog.models import RepoFacts, WeightsDownload
from evaluation.actions import leases, runs
from evaluation.errors import NotEvaluable, RunIsOver, TooManyRuns
from evaluation.models import Run
from tests.evaluation import arrangement
from tests.factories import RepoFactory, UserFactory, commit_content

pytestmark = pytest.mark.django_db


def request(repo, **fields):
    return runs.request_run(
        repo=repo, benchmark=arrangement.benchmark(), actor=fields.pop("actor", repo.created_by), **fields
    )


def test_a_request_queues_a_run_of_the_head():
    repo = arrangement.model()

    run, created = request(repo)

    assert created
    assert (run.state, run.revision, run.commit_oid) == ("queued", "main", repo.facts.commit.oid)
    assert WeightsDownload.objects.filter(repo=repo, user=repo.created_by).exists()


def test_the_same_measurement_is_not_queued_twice():
    repo = arrangement.model()
    first, _ = request(repo)

    second, created = request(repo, actor=UserFactory(), revision=repo.facts.commit.oid)

    assert (second, created) == (first, False)


def test_a_succeeded_measurement_answers_even_after_the_readme_changed():
    repo = arrangement.model()
    first = arrangement.scored(repo)
    commit_content(repo, {"README.md": b"# other words\n"})
    RepoFacts.objects.filter(repo=repo).update(task="image-classification")
    repo.refresh_from_db()

    second, created = request(repo)

    assert (second, created) == (first, False)


def test_other_weights_are_another_measurement():
    repo = arrangement.model()
    first, _ = request(repo)
    arrangement.commit_model(repo)
    RepoFacts.objects.filter(repo=repo).update(task="image-classification")
    repo.refresh_from_db()

    second, created = request(repo)

    assert created
    assert second.run_key != first.run_key


def test_equal_weights_in_another_repo_do_not_show_through():
    private = arrangement.model(weights=b"the same", visibility="private")
    hidden, _ = request(private)
    public = arrangement.model(weights=b"the same")

    run, created = request(public)

    assert created
    assert run != hidden


def test_a_failed_run_can_be_asked_for_again():
    repo = arrangement.model()
    failed = arrangement.running(repo)
    leases.fail_run(**arrangement.grant(failed), reason="unsupported", message="unknown architecture")

    run, created = request(repo)

    assert created
    assert run != failed


def test_asking_moves_an_automatic_run_ahead():
    repo = arrangement.model()
    automatic, _ = request(repo, actor=None, trigger=Run.Trigger.UPLOAD)

    request(repo)

    automatic.refresh_from_db()
    assert automatic.priority == runs.ASKED_FOR


def test_a_sixth_active_run_is_refused():
    person = UserFactory()
    for _ in range(5):
        request(arrangement.model(), actor=person)

    with pytest.raises(TooManyRuns):
        request(arrangement.model(), actor=person)

    assert person.runs.count() == 5


def test_a_known_measurement_is_answered_beyond_the_limit():
    person = UserFactory()
    models = [arrangement.model() for _ in range(5)]
    first, *_others = [request(repo, actor=person)[0] for repo in models]

    assert request(models[0], actor=person) == (first, False)


def test_nobody_asks_anonymously():
    with pytest.raises(NotSignedIn):
        request(arrangement.model(), actor=None)


def test_an_unknown_revision_is_told():
    with pytest.raises(RevisionNotFound):
        request(arrangement.model(), revision="nowhere")


@pytest.mark.parametrize(("task", "named"), [("text-generation", "text-generation"), ("", "pipeline_tag")])
def test_a_model_of_another_task_is_refused(task, named):
    with pytest.raises(NotEvaluable, match=named):
        request(arrangement.model(task=task))


def test_other_labels_are_refused_by_name():
    labels = {**arrangement.DIGITS, "9": "nine"}

    with pytest.raises(NotEvaluable, match=r"Missing: 9\. Unknown: nine"):
        request(arrangement.model(labels=labels))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"model.safetensors": b"w"}, "no config.json"),
        ({"config.json": b"{}"}, "no safetensors"),
        ({"config.json": b"{}", "model.onnx": b"w"}, "no safetensors"),
        ({"config.json": b"{}", "pytorch_model-00001-of-00002.bin": b"w"}, "1 of the weight files"),
        ({"config.json": b"{}", "model-00001-of-00003.safetensors": b"w"}, "2 of the weight files"),
    ],
)
def test_an_incomplete_model_is_refused(files, reason):
    repo = RepoFactory()
    commit_content(repo, files)
    RepoFacts.objects.filter(repo=repo).update(task="image-classification")
    repo.refresh_from_db()

    with pytest.raises(NotEvaluable, match=reason):
        request(repo)


def test_a_model_that_cannot_fit_is_refused():
    repo = arrangement.model()
    RepoFacts.objects.filter(repo=repo).update(parameters=70_000_000_000)
    repo.refresh_from_db()

    with pytest.raises(NotEvaluable, match="169 GB of memory"):
        request(repo)


def test_a_config_that_is_no_json_is_left_to_the_runner():
    repo = RepoFactory()
    commit_content(repo, {"config.json": b"{", "model.safetensors": b"w"})
    RepoFacts.objects.filter(repo=repo).update(task="image-classification")
    repo.refresh_from_db()

    assert request(repo)[1]


@pytest.mark.parametrize("stage", [arrangement.queued, arrangement.claimed, arrangement.running, arrangement.handed_in])
def test_an_active_run_is_cancelled_at_any_stage(stage):
    run = stage()

    runs.cancel_run(run=run)

    run.refresh_from_db()
    assert (run.state, run.is_active) == ("cancelled", False)
    assert run.finished_at is not None


def test_a_run_that_ended_is_not_cancelled():
    run = arrangement.scored()

    with pytest.raises(RunIsOver):
        runs.cancel_run(run=run)
