"""Hidden tokens: sums over the corpus, not means of means; counts that cannot be are refused."""

import json
import math

import pytest

from evaluation.benchmarks.definitions import builtin_definitions
from evaluation.errors import BadOutput
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score

MASKS = next(definition for definition in builtin_definitions() if definition.id == "manual-masks")


def test_a_long_text_counts_more_than_a_short_one(tmp_path):
    gold = [{"id": "long", "bytes": 90}, {"id": "short", "bytes": 10}]
    lines = [
        {"id": "short", "tokens": 2, "nats": 2 * math.log(8), "first": 0, "near": 1},
        {"id": "long", "tokens": 18, "nats": 18 * math.log(2), "first": 9, "near": 18},
    ]
    (tmp_path / "predictions.jsonl").write_text("\n".join(json.dumps(line) for line in lines))

    found = {value.metric: value for value in score(MASKS, gold, read_predictions(MASKS, tmp_path))}

    assert found["pseudo_ppl"].value == pytest.approx(2 ** ((18 * 1 + 2 * 3) / 20))
    assert found["pseudo_bits_per_byte"].value == pytest.approx((18 + 6) / 100)
    assert found["mask_top1"].value == 9 / 20
    assert found["mask_top5"].value == 19 / 20
    assert found["pseudo_ppl"].low <= found["pseudo_ppl"].value <= found["pseudo_ppl"].high


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": 0},
        {"tokens": 1.5},
        {"tokens": True},
        {"tokens": 10**400},
        {"nats": 10**400},
        {"nats": -0.1},
        {"nats": math.nan},
        {"nats": math.inf},
        {"nats": "1"},
        {"first": 5},
        {"near": 11},
        {"id": 1},
    ],
)
def test_counts_that_cannot_be_are_refused(change, tmp_path):
    line = {"id": "a", "tokens": 10, "nats": 3.0, "first": 2, "near": 4} | change
    (tmp_path / "predictions.jsonl").write_text(json.dumps(line) + "\n")

    with pytest.raises(BadOutput, match="Line 1"):
        read_predictions(MASKS, tmp_path)
