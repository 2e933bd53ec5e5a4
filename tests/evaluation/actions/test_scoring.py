import io
import json

import numpy as np
import pytest

from evaluation import signing
from evaluation.actions import inputs, leases, runs, scoring
from evaluation.models import Score
from tests.evaluation import arrangement

pytestmark = pytest.mark.django_db


def score(run):
    scoring.score_run(run.pk)
    run.refresh_from_db()
    return run


def test_scores_say_what_the_answers_say():
    run = score(arrangement.handed_in(wrong=99))

    primary = run.scores.get(is_primary=True)
    assert run.state == "succeeded"
    assert (primary.metric, primary.n, primary.slice, primary.is_current) == ("accuracy", 599, "", True)
    assert primary.value == pytest.approx(500 / 599, abs=1e-12)
    assert primary.low < primary.value < primary.high


def test_scoring_twice_changes_nothing():
    run = score(arrangement.handed_in())
    before = list(run.scores.values())

    scoring.score_run(run.pk)

    assert list(run.scores.values()) == before


def test_a_missing_run_is_nobodys_problem():
    scoring.score_run(10**6)


def without_last(lines):
    return lines[:-1]


def with_unknown_id(lines):
    return [*lines[:-1], lines[-1] | {"id": "made up"}]


def with_item_twice(lines):
    return [*lines, lines[0]]


def with_nan(lines):
    return [lines[0] | {"probs": [float("nan")] * 10}, *lines[1:]]


def with_foreign_label(lines):
    return [lines[0] | {"label": "eleven"}, *lines[1:]]


def with_too_few_probabilities(lines):
    return [lines[0] | {"probs": [1.0]}, *lines[1:]]


@pytest.mark.parametrize(
    "spoil",
    [without_last, with_unknown_id, with_item_twice, with_nan, with_foreign_label, with_too_few_probabilities],
    ids=lambda spoil: spoil.__name__,
)
def test_answers_that_do_not_fit_the_items_fail_the_run(spoil):
    run = arrangement.running()
    lines = [json.loads(line) for line in arrangement.answers(run).splitlines()]
    spoiled = "".join(json.dumps(line) + "\n" for line in spoil(lines))
    arrangement.send(run, "predictions.jsonl", spoiled.encode())
    leases.complete_run(**arrangement.grant(run))

    score(run)

    assert (run.state, run.reason_code) == ("failed", "bad_output")
    assert run.reason
    assert run.scores.count() == 0


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"predictions.jsonl": b""},
        {"predictions.jsonl": b"\x80\x81"},
        {"predictions.jsonl": b"[" * 100_000},
        {"predictions.jsonl": b"null\n"},
        {"embeddings.npy": b"x", "ids.json": b"[]"},
    ],
    ids=["nothing", "empty", "bytes", "nested", "null", "other request"],
)
def test_hostile_files_fail_the_run_and_nothing_else(files):
    run = score(arrangement.handed_in(files=files or {"log.txt": b"hello"}))

    assert (run.state, run.reason_code) == ("failed", "bad_output")


@pytest.mark.parametrize(
    "content", [b"{", b"[1]", b'{"a": NaN}', b'{"a": "\\u0000"}', b'{"a": "' + b"x" * 100_000 + b'"}', b"\xff"]
)
def test_hostile_measurements_fail_the_run(content):
    run = arrangement.running()
    arrangement.send(run, "predictions.jsonl", arrangement.answers(run))
    arrangement.send(run, "measurements.json", content)
    leases.complete_run(**arrangement.grant(run))

    score(run)

    assert (run.state, run.reason_code) == ("failed", "bad_output")


def test_a_pickle_in_embeddings_is_never_opened():
    repo = arrangement.model(task="sentence-similarity", labels={})
    run, _ = runs.request_run(repo=repo, benchmark=arrangement.benchmark("retrieval-en"), actor=repo.created_by)
    run = leases.claim_run(node=arrangement.node(), queues=["eval.cpu"], run_id=run.pk)
    made = inputs.prepare(run)
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    arrangement.send(run, "embeddings.npy", stream.getvalue())
    arrangement.send(run, "ids.json", json.dumps([row["id"] for row in made.gold]).encode())
    leases.complete_run(**arrangement.grant(run))

    score(run)

    assert (run.state, run.reason_code) == ("failed", "bad_output")


def test_embeddings_that_know_the_answers_score_one():
    repo = arrangement.model(task="sentence-similarity", labels={})
    run, _ = runs.request_run(repo=repo, benchmark=arrangement.benchmark("retrieval-en"), actor=repo.created_by)
    run = leases.claim_run(node=arrangement.node(), queues=["eval.cpu"], run_id=run.pk)
    gold = inputs.prepare(run).gold
    rows = {row["id"]: index for index, row in enumerate(gold)}
    table = np.random.default_rng(5).normal(size=(len(gold), 64)).astype(np.float32)
    for row in gold:
        for right in row.get("targets", {}).get("", []):
            table[rows[right]] = table[rows[row["id"]]]
    stream = io.BytesIO()
    np.save(stream, table, allow_pickle=False)
    arrangement.send(run, "embeddings.npy", stream.getvalue())
    arrangement.send(run, "ids.json", json.dumps(list(rows)).encode())
    leases.complete_run(**arrangement.grant(run))

    score(run)

    primary = run.scores.get(is_primary=True)
    assert (run.state, primary.metric, primary.value) == ("succeeded", "recall@1", 1.0)
    assert primary.n == len(gold) // 2


def test_the_newest_run_counts_not_the_best():
    repo = arrangement.model()
    better = arrangement.scored(repo, wrong=5)
    arrangement.commit_model(repo)
    type(repo.facts).objects.filter(repo=repo).update(task="image-classification")
    repo.refresh_from_db()

    worse = arrangement.scored(repo, wrong=100)

    assert set(Score.objects.filter(is_current=True).values_list("run_id", flat=True)) == {worse.pk}
    assert better.scores.filter(is_current=False).count() == better.scores.count()


def test_an_older_run_that_ends_later_does_not_take_over():
    repo = arrangement.model()
    older = arrangement.handed_in(repo)
    arrangement.commit_model(repo)
    type(repo.facts).objects.filter(repo=repo).update(task="image-classification")
    repo.refresh_from_db()
    newer = arrangement.scored(repo)

    score(older)

    assert set(Score.objects.filter(is_current=True).values_list("run_id", flat=True)) == {newer.pk}


def test_the_record_is_canonical_signed_and_complete():
    run = score(arrangement.handed_in(wrong=1))

    record = run.record
    body = json.loads(record.body)
    assert record.body == signing.canonical(body)
    assert signing.is_genuine(record.body, signing.Signature(record.signature, record.key_id))
    assert not signing.is_genuine(
        record.body.replace("0.99", "1.00"), signing.Signature(record.signature, record.key_id)
    )
    assert body["benchmark"]["definition_hash"] == run.benchmark.definition_hash
    assert body["benchmark"]["rows"] == 599
    assert body["model"]["files"]["model.safetensors"]
    assert body["result"]["outputs"]["predictions.jsonl"] == run.outputs.get().blob.sha256
    assert body["trust"]["origin"] == "reproduced"


def test_changed_predictions_no_longer_match_the_record():
    run = score(arrangement.handed_in())
    other = score(arrangement.handed_in(wrong=1))

    outputs = [json.loads(one.record.body)["result"]["outputs"]["predictions.jsonl"] for one in (run, other)]

    assert outputs[0] != outputs[1]


def test_items_that_changed_since_the_run_are_not_scored():
    run = arrangement.handed_in()
    run.inputs_digest = "0" * 64
    run.save()

    score(run)

    assert (run.state, run.reason_code) == ("failed", "bad_output")
    assert "changed between the run and its scoring" in run.reason


def test_a_run_of_a_commit_that_is_gone_is_told_so():
    run = arrangement.handed_in()
    run.repo.commits.filter(oid=run.commit_oid).update(oid="f" * 40)  # as rewriting history does

    score(run)

    assert (run.state, run.reason_code) == ("failed", "unsupported")
    assert "history of the repo was rewritten" in run.reason


def test_data_that_went_missing_puts_the_run_off():
    run = arrangement.handed_in()
    benchmark = run.benchmark
    benchmark.definition["dataset"]["revision"] = "scikit-learn==0.0.1"
    benchmark.save()

    score(run)

    assert (run.state, run.reason_code) == ("queued", "data_unavailable")
