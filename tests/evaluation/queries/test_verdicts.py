"""Claims beside measurements: which are comparable, and what is said of those that are not."""

import dataclasses

import pytest
import yaml

from catalog.models import RepoFacts
from catalog.parsing.card import parse_card
from catalog.parsing.eval_results import claims_of, read_eval_results
from evaluation.benchmarks.schema import Prompt
from evaluation.queries import exports
from evaluation.queries.verdicts import judged_claims
from tests.evaluation import arrangement

pytestmark = pytest.mark.django_db
CLAIM = {
    "task": "image-classification", "dataset": "digits", "metric": "accuracy", "split": "test",
    "revision": "scikit-learn==1.9.1",
    "value": 0.95, "args": {},
}  # fmt: skip


@pytest.fixture
def run():
    """Accuracy 569 of 599, which is 0.9499 with an interval of about 0.0179 to either side."""
    return arrangement.scored_but_for(range(30))


def verdict(run, **changed):
    (found,) = judged_claims(run.repo, [CLAIM | changed], None)
    return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.95, "match"),
        (95.0, "match"),
        (0.96, "match"),
        (0.933, "match"),
        (0.97, "lower"),
        (99, "lower"),
        (0.93, "higher"),
        (50, "higher"),
    ],
)
def test_a_claim_within_the_interval_is_a_match(run, value, expected):
    found = verdict(run, value=value)

    assert (found.verdict, found.score.run_id, found.field) == (expected, run.pk, "")


def test_half_a_percent_of_the_range_is_no_difference():
    run = arrangement.scored_but_for([])
    score = run.scores.get(is_primary=True)
    score.low = score.high = score.value
    score.save()

    assert [verdict(run, value=value).verdict for value in (0.9951, 0.9949)] == ["match", "higher"]


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"dataset": "mnist"}, "benchmark", "No benchmark here measures this."),
        ({"metric": "f1"}, "metric", "The claim is about f1"),
        ({"metric": "score"}, "metric", "accuracy, macro_f1"),
        ({"revision": ""}, "version", "does not state the version of the data"),
        ({"revision": "scikit-learn==1.0"}, "version", "scikit-learn==1.0; here it is scikit-learn==1.9.1"),
        ({"args": {"benchmark": "digits@7"}}, "version", "digits@7; here it is digits@1"),
        ({"split": ""}, "split", "does not state the split"),
        ({"split": "train"}, "split", "states the split train; here it is test"),
        ({"value": 940}, "value", "no number in the range"),
    ],
)
def test_what_is_not_comparable_names_the_field(run, changed, field, words):
    found = verdict(run, **changed)

    assert (found.verdict, found.field) == ("not_comparable", field)
    assert words in found.reason


def with_definition(run, **changed):
    """The benchmark of this run, as if it had been defined otherwise."""
    run.benchmark.definition |= changed
    run.benchmark.save()


def test_shots_and_normaliser_count_where_the_definition_has_them(run):
    with_definition(run, prompt=dataclasses.asdict(Prompt(template="{{ text }}", shots=5)), filters=["strip"])

    said = [
        verdict(run, args=args)
        for args in (
            {},
            {"num_few_shot": "0"},
            {"shots": "5"},
            {"shots": "5", "normaliser": "none"},
            {"shots": "5", "normaliser": "strip"},
        )
    ]

    assert [(one.verdict, one.field) for one in said] == [
        ("not_comparable", "shots"),
        ("not_comparable", "shots"),
        ("not_comparable", "normaliser"),
        ("not_comparable", "normaliser"),
        ("match", ""),
    ]


def test_what_was_not_measured_is_said_to_be_so():
    repo = arrangement.model()
    arrangement.benchmark()

    (found,) = judged_claims(repo, [CLAIM], None)

    assert (found.verdict, found.score) == ("not_measured", None)


def test_a_claim_about_other_weights_is_not_comparable(run):
    arrangement.commit_model(run.repo)
    run.repo.refresh_from_db()

    found = verdict(run)

    assert (found.verdict, found.field) == ("not_comparable", "revision")


def test_our_own_export_comes_back_as_a_matching_claim(run):
    text = yaml.safe_dump(exports.eval_results_of(run.repo, "https://hub.example.org"))

    claims = [dataclasses.asdict(claim) for claim in claims_of(read_eval_results(text.encode()))]

    (found,) = judged_claims(run.repo, claims, None)
    assert (found.verdict, found.claim["source_url"]) == ("match", f"https://hub.example.org/runs/{run.pk}")


def test_our_own_model_index_comes_back_as_matching_claims(run):
    front_matter = yaml.safe_dump({"model-index": exports.model_index_of(run.repo, "https://hub.example.org")})

    card = parse_card(f"---\n{front_matter}---\n")

    found = judged_claims(run.repo, [dataclasses.asdict(claim) for claim in card.claims], None)
    assert card.problems == ()
    assert {one.claim["metric"]: one.verdict for one in found} == dict.fromkeys(
        ("accuracy", "macro_f1", "ece", "brier", "log_loss"), "match"
    )


def test_verdicts_reach_page_and_api(run, client):
    RepoFacts.objects.filter(repo=run.repo).update(claims=[CLAIM | {"value": 0.99}, CLAIM | {"split": ""}])

    answer = client.get(f"/api/v1/models/{run.repo.full_name}/scores").json()["claims"]
    page = client.get(f"{run.repo.web_path}/scores").content.decode()

    assert [(one["verdict"], one["field"], one["run"]) for one in answer] == [
        ("lower", "", run.pk), ("not_comparable", "split", None),
    ]  # fmt: skip
    assert answer[0]["measured"] == pytest.approx(569 / 599)
    assert "Measured here lower than claimed." in page
    assert "The claim does not state the split." in page


def test_the_exports_are_files_to_commit(run, client):
    path = f"/api/v1/models/{run.repo.full_name}/results"

    results, index = (
        yaml.safe_load(client.get(f"{path}/{form}.yaml").content) for form in ("eval-results", "model-index")
    )

    assert results[0]["dataset"] == {
        "id": "builtin:sklearn-digits", "task_id": "digits", "revision": "scikit-learn==1.9.1",
    }  # fmt: skip
    assert results[0]["source"]["url"].endswith(f"/runs/{run.pk}")
    assert index["model-index"][0]["name"] == run.repo.name
    assert client.get(f"{path}/nothing.yaml").status_code == 404


def test_many_claims_cost_no_more_queries(run, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):  # benchmarks, scores, facts and commit of the head, and its repo
        judged_claims(run.repo, [CLAIM] * 50, None)
