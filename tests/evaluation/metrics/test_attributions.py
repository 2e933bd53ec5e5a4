"""Attributions as a node sends them: nothing is believed that is not exactly what was asked for."""

import base64
import json
import math

import pytest

from evaluation.errors import BadOutput
from evaluation.metrics.attributions import SEEN_SIDE, read_attributions, summary

TEXT = "Grüße 中文 <b>x</b>"
GOOD = {
    "id": "a", "method": "integrated-gradients", "note": "", "baseline": "pad", "label": "de", "probability": 0.75,
    "output": 3.0, "output_of_baseline": 1.0, "steps": 32, "values": [1.5, 0.75, -0.25],
    "spans": [[0, 0, 5], [0, 6, 8], [0, 9, 17]], "comprehensiveness": 0.3, "sufficiency": -0.1,
}  # fmt: skip
IMAGE = {
    **{name: value for name, value in GOOD.items() if name != "spans"}, "values": [1.0, 0.5, 0.25, 0.25], "rows": 2,
    "columns": 2, "baseline": "zero", "seen": base64.b64encode(bytes(3 * SEEN_SIDE**2)).decode(),
}  # fmt: skip


def read(*items, texts=None, **body):
    content = json.dumps({"protocol": 1, "items": list(items)} | body).encode()
    return read_attributions(content, labels=["de", "en"], texts=texts or {"a": (TEXT, "")})


def test_texts_of_the_parts_come_from_our_own_item():
    (found,) = read(GOOD)

    assert [part.text for part in found.parts] == ["Grüße", "中文", "<b>x</b>"]
    assert found.error == 0.0
    assert not found.is_untrustworthy


@pytest.mark.parametrize(("output", "trusted"), [(3.09, True), (3.12, False)])
def test_a_sum_that_is_off_by_more_than_a_twentieth_is_not_trusted(output, trusted):
    (found,) = read(GOOD | {"output": output})

    assert found.error == pytest.approx((output - 3) / (output - 1))
    assert found.is_untrustworthy is not trusted


def test_occlusion_promises_no_sum():
    (found,) = read(GOOD | {"method": "occlusion", "output": 50.0})

    assert found.error is None
    assert not found.is_untrustworthy


def test_second_texts_images_and_absent_items_are_read():
    pair = GOOD | {"spans": [[0, 0, 5], [1, 0, 2], [1, 2, 4]]}
    found = read(
        pair, IMAGE | {"id": "b"}, {"id": "c", "reason": "No time."},
        texts={"c": ("x", ""), "a": (TEXT, "zwei"), "b": None, "d": None},
    )  # fmt: skip

    assert [one.id for one in found] == ["c", "a", "b", "d"]
    assert [one.reason for one in found] == ["No time.", "", "", "The node said nothing of this item."]
    assert [part.text for part in found[1].parts] == ["Grüße", "zw", "ei"]
    assert found[2].cells.values == [1.0, 0.5, 0.25, 0.25]
    told = summary(found)
    assert (told["items"], told["explained"], told["untrustworthy"]) == (4, 2, 0)
    assert told["comprehensiveness"] == pytest.approx(0.3)
    assert json.loads(json.dumps(told, allow_nan=False)) == told


WRONG = {
    "an unknown id": {"id": "z"},
    "an id that is no text": {"id": 1},
    "an unknown label": {"label": "xx"},
    "an unknown method": {"method": "magic"},
    "an unknown baseline": {"baseline": "x"},
    "a probability above 1": {"probability": 1.5},
    "infinity": {"output": math.inf},
    "no number": {"output": math.nan},
    "a number that is too large": {"output": 1e300},
    "a truth value for a number": {"output": True},
    "a text for a number": {"values": ["1", 0.0, 0.0]},
    "fewer values than parts": {"values": [1.0]},
    "no values": {"values": [], "spans": []},
    "too many values": {"values": [0.0] * 5000, "spans": [[0, 0, 1]] * 5000},
    "parts that overlap": {"spans": [[0, 0, 5], [0, 4, 8], [0, 9, 17]]},
    "parts out of order": {"spans": [[0, 6, 8], [0, 0, 5], [0, 9, 17]]},
    "an empty part": {"spans": [[0, 0, 0], [0, 6, 8], [0, 9, 17]]},
    "a part outside the text": {"spans": [[0, 0, 5], [0, 6, 8], [0, 9, 10**9]]},
    "a negative place": {"spans": [[0, -5, 5], [0, 6, 8], [0, 9, 17]]},
    "a second text that is not there": {"spans": [[0, 0, 5], [0, 6, 8], [1, 0, 2]]},
    "a third text": {"spans": [[0, 0, 5], [0, 6, 8], [2, 0, 2]]},
    "a part that is no list": {"spans": [[0, 0, 5], [0, 6, 8], "x"]},
    "spans that are no list": {"spans": {}},
    "half a step": {"steps": 1.5},
    "a long reason": {"reason": "x" * 1000},
    "a reason that is no text": {"reason": ["x"]},
    "a zero byte": {"note": "a\0b"},
    "half a character": {"note": "\ud800"},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_whatever_is_not_as_it_must_be_is_refused(changes):
    with pytest.raises(BadOutput, match="none of them is shown"):
        read(GOOD | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": 17, "columns": 17}, {"rows": 3}, {"rows": 0, "columns": 0, "values": []}, {"seen": ""}, {"seen": None},
        {"seen": "!!"}, {"seen": base64.b64encode(bytes(10)).decode()}, {"rows": True},
    ],
)  # fmt: skip
def test_images_of_another_shape_are_refused(changes):
    with pytest.raises(BadOutput):
        read(IMAGE | changes, texts={"a": None})


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b"\xff\xfe", b'{"protocol": 1, "items": {}}', b'{"protocol": 2, "items": []}', b"[" * 100_000],
)
def test_files_of_another_shape_are_refused(content):
    with pytest.raises(BadOutput):
        read_attributions(content, labels=["de"], texts={"a": ("x", "")})


def test_an_item_given_twice_or_one_too_many_is_refused():
    for items in ((GOOD, GOOD), (GOOD, {"id": "b", "reason": "x"})):
        with pytest.raises(BadOutput):
            read(*items)
