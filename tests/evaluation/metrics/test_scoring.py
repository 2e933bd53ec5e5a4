"""Scoring: planted truth comes out exactly, hostile outputs are refused."""

import dataclasses
import io
import json
import subprocess
import sys

import numpy as np
import pytest

from evaluation.benchmarks import readers
from evaluation.benchmarks.definitions import builtin_definitions
from evaluation.benchmarks.schema import MetricUse, Slice, Uncertainty
from evaluation.errors import BadOutput
from evaluation.metrics.kinds.embeddings import EmbeddingPredictions
from evaluation.metrics.kinds.labels import LabelPredictions
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.registry import REGISTRY
from evaluation.metrics.scoring import score

DEFINITIONS = {definition.id: definition for definition in builtin_definitions()}
DIGITS = DEFINITIONS["digits"]


def gold_of(name, tmp_path):
    return readers.materialise(DEFINITIONS[name], run_seed="s", directory=tmp_path / name).gold


def one_hot(labels, names, sure=0.91):
    rest = (1 - sure) / (len(names) - 1)
    return np.array([[sure if name == label else rest for name in names] for label in labels])


def by_name(values, slice_name=""):
    return {value.metric: value for value in values if value.slice == slice_name}


def test_a_constant_model_scores_the_share_of_its_class(tmp_path):
    gold = gold_of("digits", tmp_path)
    ids = tuple(row["id"] for row in gold)

    found = by_name(score(DIGITS, gold, LabelPredictions(ids=ids, labels=("3",) * len(ids))))

    share = sum(row["label"] == "3" for row in gold) / len(gold)
    assert found["accuracy"].value == share
    assert found["accuracy"].n == len(gold) == 599
    assert found["accuracy"].method == "wilson"
    # Without probabilities the metrics that need them are left out.
    assert set(found) == {"accuracy", "macro_f1"}


def test_a_lookup_model_with_planted_errors_scores_what_was_planted(tmp_path):
    gold = gold_of("langid", tmp_path)
    definition = DEFINITIONS["langid"]
    names = definition.label_names
    answers = [row["label"] for row in gold]
    for index in range(0, 700, 7):
        answers[index] = names[(names.index(answers[index]) + 1) % len(names)]
    order = np.random.default_rng(0).permutation(len(gold))
    predictions = LabelPredictions(
        ids=tuple(gold[index]["id"] for index in order),
        labels=tuple(answers[index] for index in order),
        probabilities=one_hot([answers[index] for index in order], names),
    )

    values = score(definition, gold, predictions)

    found = by_name(values)
    assert values[0].metric == "accuracy"
    assert values[0].primary
    assert found["accuracy"].value == pytest.approx((len(gold) - 100) / len(gold), abs=1e-12)
    assert found["ece"].value == pytest.approx(abs(found["accuracy"].value - 0.91), abs=1e-9)
    assert all(value.low <= value.value <= value.high for value in found.values())
    parts = [value for value in values if value.metric == "accuracy" and value.slice]
    assert [part.slice for part in parts] == ["length:0-30", "length:30-60", "length:60+"]
    assert sum(part.n for part in parts) == len(gold)


def test_a_perfect_and_a_half_right_bitext_model(tmp_path):
    gold = gold_of("bitext", tmp_path)
    definition = DEFINITIONS["bitext"]
    place = {row["cluster"]: index for index, row in enumerate(row for row in gold if "targets" in row)}
    vectors = {}
    for row in gold:
        if "targets" not in row:
            continue
        own = np.zeros(len(place))
        own[place[row["cluster"]]] = 1.0
        vectors[row["id"]] = own
        for pool, (target,) in row["targets"].items():
            # Polish is right, German and Chinese answer alike whatever the text.
            vectors[target] = own if pool == "en-pl" else np.ones(len(place))
    ids = tuple(vectors)

    values = score(definition, gold, EmbeddingPredictions(ids=ids, embeddings=np.stack([vectors[key] for key in ids])))

    assert by_name(values, "pair:en-pl")["bitext_accuracy"].value == 1.0
    assert by_name(values, "pair:en-de")["bitext_accuracy"].value == 0.0
    overall = by_name(values)["bitext_accuracy"]
    assert overall.value == pytest.approx(1 / 3)
    assert overall.n == 3 * len(place)


def test_slices_by_label_and_by_field_and_small_parts_left_out(tmp_path):
    gold = [row | {"fields": {"ink": "blue" if row["label"] < "2" else "black"}} for row in gold_of("digits", tmp_path)]
    definition = dataclasses.replace(
        DIGITS,
        metrics=(MetricUse(name="accuracy", primary=True),),
        slices=(Slice(name="digit", by="label", min_n=60), Slice(name="ink", by="field:ink")),
    )
    ids = tuple(row["id"] for row in gold)

    values = score(definition, gold, LabelPredictions(ids=ids, labels=("0",) * len(ids)))

    parts = {value.slice: value for value in values}
    assert parts["digit:0"].value == 1.0
    assert parts["digit:3"].value == 0.0
    assert "digit:7" not in parts  # 48 items
    assert parts["ink:black"].value == 0.0
    assert parts["ink:black"].n + parts["ink:blue"].n == 599


def test_the_bootstrap_can_be_asked_for(tmp_path):
    gold = gold_of("digits", tmp_path)
    ids = tuple(row["id"] for row in gold)
    definition = dataclasses.replace(DIGITS, uncertainty=Uncertainty(method="bootstrap", resamples=500))

    found = by_name(score(definition, gold, LabelPredictions(ids=ids, labels=("3",) * len(ids))))

    assert found["accuracy"].method == "bootstrap"
    assert found["accuracy"].low < found["accuracy"].value < found["accuracy"].high


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda ids: ids[:-1], "did not answer 1 of 599"),
        (lambda ids: (*ids[:-1], "unknown"), "not asked about"),
        (lambda ids: (*ids, ids[0]), "twice"),
    ],
)
def test_ids_must_match_exactly(change, said, tmp_path):
    gold = gold_of("digits", tmp_path)
    ids = change(tuple(row["id"] for row in gold))

    with pytest.raises(BadOutput, match=said):
        score(DIGITS, gold, LabelPredictions(ids=ids, labels=("3",) * len(ids)))


UNIFORM = [0.1] * 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json\n", "not JSON"),
        ("[1]\n", "not a JSON object"),
        ('{"id": "a"}\n', "Line 1"),
        ('{"id": "a", "label": "11"}\n', "does not know"),
        ('{"id": 1, "label": "1"}\n', "no id"),
        ('{"id": "a", "label": ["1"]}\n', "does not know"),
        ('{"id": "a", "label": "1", "probs": [1.0]}\n', "each of the 10 labels"),
        ('{"id": "a", "label": "1", "probs": [NaN,0,0,0,0,0,0,0,0,1]}\n', "not finite"),
        (f'{{"id": "a", "label": "1", "probs": [1{"0" * 400},0,0,0,0,0,0,0,0,0]}}\n', "do not sum to 1"),
        ('{"id": "a", "label": "1", "probs": [2,-1,0,0,0,0,0,0,0,0]}\n', "do not sum to 1"),
        ('{"id": "a", "label": "1", "probs": [0.5,0,0,0,0,0,0,0,0,0]}\n', "do not sum to 1"),
        ('{"id": "a", "label": "1", "probs": ["1",0,0,0,0,0,0,0,0,0]}\n', "each of the 10 labels"),
        (f'{{"id": "a", "label": "1", "probs": {UNIFORM}}}\n{{"id": "b", "label": "1"}}\n', "some have none"),
        ("[" * 100_000 + "\n", "not JSON"),
    ],
)
def test_bad_label_files_are_refused_with_a_sentence(text, said, tmp_path):
    (tmp_path / "predictions.jsonl").write_text(text)

    with pytest.raises(BadOutput, match=said):
        read_predictions(DIGITS, tmp_path)


def npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("ids", "table", "said"),
    [
        (["a"], b"junk", "cannot be read"),
        (["a"], b"", "cannot be read"),
        (["a"], npy(np.array([{"a": 1}], dtype=object), allow_pickle=True), "cannot be read"),
        (["a"], npy(np.zeros(3)), "not a table"),
        (["a"], npy(np.zeros((1, 3), dtype=np.int64)), "not a table"),
        (["a"], npy(np.zeros((2, 3))), "there are 1 ids"),
        (["a"], npy(np.zeros((2, 3))).replace(b"(2, 3)", b"(2, 3000000000)"), "cannot be read"),
        (["a"], npy(np.zeros((1, 0))), "there are 1 ids"),
        (["a"], npy(np.array([[np.nan, 1.0]])), "not finite"),
        (["a"], npy(np.array([[np.inf, 1.0]])), "not finite"),
        ({"a": 1}, npy(np.zeros((1, 3))), "list of ids"),
    ],
)
def test_bad_embeddings_are_refused_with_a_sentence(ids, table, said, tmp_path):
    (tmp_path / "ids.json").write_text(json.dumps(ids))
    (tmp_path / "embeddings.npy").write_bytes(table)

    with pytest.raises(BadOutput, match=said):
        read_predictions(DEFINITIONS["bitext"], tmp_path)


def test_missing_and_oversized_outputs_are_refused(tmp_path):
    with pytest.raises(BadOutput, match=r"sent no predictions\.jsonl"):
        read_predictions(DIGITS, tmp_path)
    (tmp_path / "predictions.jsonl").write_text(" " * 5000)
    small = dataclasses.replace(DIGITS, limits=dataclasses.replace(DIGITS.limits, output_mb=0.001))
    with pytest.raises(BadOutput, match="more than the"):
        read_predictions(small, tmp_path)


def test_the_registry_tells_people_what_each_number_means():
    for metric in REGISTRY.values():
        assert metric.description.endswith(".")
        assert metric.range[1] is None or metric.range[0] < metric.range[1]
        assert metric.library


def test_scoring_never_imports_torch():
    program = (
        "import sys; from evaluation.metrics import scoring, predictions\n"
        "print([name for name in ('torch', 'transformers', 'django') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
