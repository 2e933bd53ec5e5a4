"""From what a node measured of the cost to rows and to the signed record."""

import json

import pytest

from catalog.models import Repo, RepoFacts
from evaluation import signing
from evaluation.actions import withdrawal
from evaluation.models import Figure, Score
from evaluation.queries.efficiency import costs_of
from tests.evaluation import arrangement, costs

pytestmark = pytest.mark.django_db


def changed(**efficiency):
    return costs.MEASURED | {"efficiency": costs.EFFICIENCY | efficiency}


def test_figures_are_rows_with_hardware_class_node_unit_and_protocol():
    run = costs.scored()

    median = Figure.objects.get(run=run, name="latency_p50_ms")

    assert (median.value, median.unit, median.n, median.protocol) == (2.5, "ms", 200, 1)
    assert median.hardware_class == "Some CPU, 4 cores · float32 · native"
    assert median.node == run.node.name
    assert median.record == run.record
    energy = Figure.objects.get(run=run, name="energy_joules_per_item")
    assert energy.value is None
    assert "CPU" in energy.reason


def test_the_signed_record_holds_them_and_says_what_was_asked():
    record = costs.scored().record

    assert signing.is_genuine(record.body, signing.Signature(record.signature, record.key_id))
    told = json.loads(record.body)["efficiency"]
    figures = {figure["name"]: figure for figure in told["figures"]}
    assert told["protocol"] == 1
    assert told["asked"]["min_iterations"] == 200
    assert figures["latency_p50_ms"]["value"] == 2.5
    assert figures["latency_p50_ms"]["unit"] == "ms"


def test_nothing_is_said_where_nothing_was_asked():
    run = arrangement.scored(measurements=costs.MEASURED)

    assert "efficiency" not in json.loads(run.record.body)
    assert not Figure.objects.exists()


def test_scores_are_those_of_a_run_that_measures_no_cost():
    with_cost, plain = costs.scored(), arrangement.scored(wrong=0)

    found, usual = (
        {score.metric: score.value for score in Score.objects.filter(run=run, slice="")} for run in (with_cost, plain)
    )
    assert found == usual


def test_the_estimate_of_memory_stands_beside_what_was_measured():
    """250 million parameters at 4 bytes, 0.5 GB of activations, 0.6 GB besides: 2.1 GB, where 2 GB were needed."""
    run = costs.scored()

    assert Figure.objects.get(run=run, name="fit_estimate_bytes").value == 2_100_000_000
    assert Figure.objects.get(run=run, name="fit_error").value == pytest.approx(0.05)


def test_weights_without_headers_have_no_estimate_and_the_reason_says_so():
    repo = costs.model()
    RepoFacts.objects.filter(repo=repo).update(parameters_by_dtype={})

    run = costs.scored(repo)

    reasons = set(run.figures.filter(name__startswith="fit").values_list("reason", flat=True))
    assert reasons == {"The weights have no headers to estimate from, as safetensors do."}


def test_on_a_gpu_the_context_is_no_part_of_what_torch_reserves():
    gpu = {"name": "NVIDIA H200", "power.limit": "700.00"}
    measured = costs.MEASURED | {
        "device": "NVIDIA H200", "dtype": "bfloat16", "peak": {"rss_bytes": 1, "vram_bytes": costs.GIGABYTE},
    }  # fmt: skip

    run = costs.scored(hardware=costs.HARDWARE | {"gpus": [gpu]}, measurements=measured)

    error = Figure.objects.get(run=run, name="fit_error")
    assert error.value == pytest.approx(0.0)
    assert error.hardware_class == "NVIDIA H200, 700.00 W · bfloat16 · native"


@pytest.mark.parametrize(
    "nonsense", [-1, True, "fast", None, 10**400, 1e30, [1], {"value": 3}], ids=lambda value: str(value)[:8]
)
def test_a_number_that_cannot_be_is_absent_and_the_score_stands(nonsense):
    run = costs.scored(measurements=changed(values={"latency_p50_ms": {"value": nonsense}}))

    figure = Figure.objects.get(run=run, name="latency_p50_ms")
    assert (figure.value, figure.reason) == (None, "The node sent no sensible number.")
    assert run.scores.filter(is_current=True).exists()


@pytest.mark.parametrize("efficiency", [None, 7, [], {"values": 3, "absent": "none", "protocol": 1}])
def test_figures_of_another_shape_are_none(efficiency):
    run = costs.scored(measurements=costs.MEASURED | {"efficiency": efficiency})

    assert not run.figures.exclude(name__startswith="fit").filter(value__isnull=False).exists()
    assert run.scores.exists()


def test_unknown_figures_and_long_or_unprintable_texts_do_not_get_in():
    values = {"latency_p50_ms": {"value": 1, "n": 10**30, "detail": "a\x07\n" + "b" * 900}, "beauty": {"value": 1}}

    run = costs.scored(measurements=changed(values=values))

    assert not run.figures.filter(name="beauty").exists()
    figure = run.figures.get(name="latency_p50_ms")
    assert figure.n == 1
    assert len(figure.detail) <= 300
    assert figure.detail.startswith("a  bbb")


def test_a_node_that_ended_before_it_measured_leaves_a_reason():
    run = costs.scored(measurements={key: value for key, value in costs.MEASURED.items() if key != "efficiency"})

    assert {figure.reason for figure in run.figures.all()} == {"The node ended before it had measured this."}
    assert run.scores.exists()


def test_the_newest_run_of_each_hardware_class_stands_for_a_model():
    repo = costs.model()
    first = costs.scored(repo)
    other = costs.scored(repo, hardware={"cpu": "Another CPU", "cores": 2}, again=True)
    newest = costs.scored(repo, again=True)

    found = costs_of(repo, None)

    assert [cost.run for cost in found] == [other, newest]
    assert [cost.hardware_class.split(",")[0] for cost in found] == ["Another CPU", "Some CPU"]
    assert first not in [cost.run for cost in found]


def test_withdrawn_and_private_figures_are_not_shown():
    hidden, private = costs.scored(), costs.scored(costs.model(visibility=Repo.Visibility.PRIVATE))
    withdrawal.withdraw_run(run=hidden, reason="wrong weights", actor=hidden.repo.created_by)

    assert costs_of(hidden.repo, None) == []
    assert costs_of(private.repo, None) == []
    assert costs_of(private.repo, private.repo.created_by) != []
