"""Answers about sounds and images: planted truth comes out exactly, hostile files end in a sentence."""

import base64
import dataclasses
import json
import zlib

import numpy as np
import pytest

from evaluation.benchmarks import readers
from evaluation.benchmarks.definitions import builtin_definitions
from evaluation.errors import BadOutput
from evaluation.metrics.kinds.boxes import BoxPredictions, FoundBoxes
from evaluation.metrics.kinds.embeddings import EmbeddingPredictions
from evaluation.metrics.kinds.maps import MapPredictions
from evaluation.metrics.kinds.written import TextPredictions
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score

FEW = {"resamples": 40}  # intervals are tested elsewhere
WHOLE = {definition.id: definition for definition in builtin_definitions()}
DEFINITIONS = {
    definition.id: dataclasses.replace(definition, uncertainty=dataclasses.replace(definition.uncertainty, **FEW))
    for definition in builtin_definitions()
}


def gold_of(name, tmp_path):
    return readers.materialise(DEFINITIONS[name], run_seed="s", directory=tmp_path / name).gold


def ids_of(gold):
    return tuple(row["id"] for row in gold)


def overall(values):
    return {value.metric: value for value in values if not value.slice}


def perfect(gold, *, forget=lambda _: False, shift=0.0):
    """All the true boxes but the forgotten ones; `shift` is a share of their width, to the left where they can."""
    names = DEFINITIONS["shape-boxes"].label_names
    found, number = [], 0
    for row in gold:
        boxes, labels = [], []
        for box, label in zip(row["boxes"], row["labels"], strict=True):
            left, top, right, bottom = box
            number += 1
            if not forget(number):
                away = shift * (right - left)
                boxes.append([left, top + 0.0, right - away, bottom])
                labels.append(names.index(label))
        found.append(
            FoundBoxes(
                corners=np.array(boxes, dtype=float).reshape(-1, 4), scores=np.full(len(boxes), 0.9),
                classes=np.array(labels, dtype=np.int64),
            )
        )  # fmt: skip
    return BoxPredictions(ids=ids_of(gold), found=tuple(found))


def test_a_perfect_detector_is_perfect_and_a_blind_one_is_not(tmp_path):
    gold = gold_of("shape-boxes", tmp_path)
    definition = DEFINITIONS["shape-boxes"]

    right = score(definition, gold, perfect(gold))
    blind = overall(score(definition, gold, perfect(gold, forget=lambda _: True)))

    assert {value.value for value in right} == {1.0}
    assert {value.slice for value in right} == {"", "class:circle", "class:square", "class:triangle"}
    assert set(overall(right)) == {"map_50_95", "ap50", "ap75", "map_small", "map_medium", "map_large", "ar100"}
    assert {value.value for value in blind.values()} == {0.0}


def test_a_detector_that_forgets_every_fifth_object_finds_four_fifths(tmp_path):
    gold = gold_of("shape-boxes", tmp_path)
    definition = DEFINITIONS["shape-boxes"]

    found = overall(score(definition, gold, perfect(gold, forget=lambda number: number % 5 == 0)))

    shares, number = [[0, 0] for _ in definition.label_names], 0
    for row in gold:
        for label in row["labels"]:
            number += 1
            own = shares[definition.label_names.index(label)]
            own[0] += number % 5 != 0
            own[1] += 1
    assert found["ar100"].value == pytest.approx(np.mean([hit / there for hit, there in shares]), abs=1e-12)
    # Precision is 1 up to that recall and 0 beyond, read at 101 places.
    steps = [np.floor(100 * hit / there + 1e-9) + 1 for hit, there in shares]
    assert found["map_50_95"].value == pytest.approx(np.mean(steps) / 101, abs=1e-9)
    assert found["map_50_95"].low < found["map_50_95"].value < found["map_50_95"].high


def test_boxes_that_are_a_third_too_narrow_pass_at_half_but_not_at_three_quarters(tmp_path):
    gold = gold_of("shape-boxes", tmp_path)

    found = overall(score(DEFINITIONS["shape-boxes"], gold, perfect(gold, shift=1 / 3)))

    assert found["ap50"].value == 1.0
    assert found["ap75"].value == 0.0
    assert found["map_50_95"].value == pytest.approx(0.4)  # 0.50, 0.55, 0.60 and 0.65


def test_metrics_of_sizes_that_do_not_occur_are_left_out(tmp_path):
    gold = [row for row in gold_of("shape-boxes", tmp_path) if max(row["areas"]) < 96**2]

    assert "map_large" not in overall(score(DEFINITIONS["shape-boxes"], gold, perfect(gold)))


def test_a_box_outside_its_image_is_refused(tmp_path):
    gold = gold_of("shape-boxes", tmp_path)
    found = perfect(gold)
    found.found[0].corners[0, 2] += 500

    with pytest.raises(BadOutput, match="outside its image"):
        score(DEFINITIONS["shape-boxes"], gold, found)


BOX = '{"id": "a", "boxes": [[0, 0, 9, 9]], "scores": [0.5], "labels": ["circle"]}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOX.replace('"a"', "1"), "has no id"),
        (BOX.replace("[0.5]", "0.5"), "no boxes, scores or labels"),
        (BOX.replace("[0.5]", "[0.5, 0.5]"), "not one score and one label"),
        (BOX.replace('["circle"]', '["hexagon"]'), "label that the benchmark does not know"),
        (BOX.replace('["circle"]', '[["circle"]]'), "label that the benchmark does not know"),
        (BOX.replace("[0.5]", "[1.5]"), "no number between 0 and 1"),
        (BOX.replace("[0.5]", "[NaN]"), "no number between 0 and 1"),
        (BOX.replace("[0.5]", "[true]"), "no number between 0 and 1"),
        (BOX.replace("[0, 0, 9, 9]", "[0, 0, 9]"), "four finite numbers"),
        (BOX.replace("[0, 0, 9, 9]", "[0, 0, 9, Infinity]"), "four finite numbers"),
        (BOX.replace("[0, 0, 9, 9]", f"[0, 0, 9, 1{'0' * 400}]"), "four finite numbers"),
        (BOX.replace("[0, 0, 9, 9]", "[9, 0, 0, 9]"), "lies before"),
        (
            json.dumps({"id": "a", "boxes": [[0, 0, 1, 1]] * 301, "scores": [0.1] * 301, "labels": ["circle"] * 301}),
            "more than 300 boxes",
        ),
    ],
)
def test_bad_boxes_are_refused_with_a_sentence(text, said, tmp_path):
    (tmp_path / "predictions.jsonl").write_text(text + "\n")

    with pytest.raises(BadOutput, match=f"Line 1 .*{said}"):
        read_predictions(DEFINITIONS["shape-boxes"], tmp_path)


def packed(numbers):
    return base64.b64encode(zlib.compress(np.asarray(numbers, dtype="<u2").tobytes())).decode()


def truth_maps(gold):
    import io

    from PIL import Image

    maps = [np.asarray(Image.open(io.BytesIO(row["mask"]))) for row in gold]
    return [np.where(one == 255, 0, one) for one in maps]


def test_a_perfect_map_is_perfect_whatever_it_says_of_the_edges(tmp_path):
    gold = gold_of("shape-masks", tmp_path)
    found = MapPredictions(ids=ids_of(gold), packed=tuple(packed(one) for one in truth_maps(gold)))

    values = score(DEFINITIONS["shape-masks"], gold, found)

    assert {value.value for value in values} == {1.0}
    assert {value.slice for value in values} == {"", "class:ground", "class:circle", "class:square", "class:triangle"}


def test_circles_called_squares_cost_both_labels(tmp_path):
    gold = gold_of("shape-masks", tmp_path)
    maps = [np.where(one == 1, 2, one) for one in truth_maps(gold)]
    found = MapPredictions(ids=ids_of(gold), packed=tuple(packed(one) for one in maps))

    values = {(one.metric, one.slice): one.value for one in score(DEFINITIONS["shape-masks"], gold, found)}

    circles, squares = (sum(int((one == number).sum()) for one in truth_maps(gold)) for number in (1, 2))
    assert values["miou", "class:circle"] == 0.0
    assert values["miou", "class:square"] == pytest.approx(squares / (squares + circles), abs=1e-12)
    assert values["miou", ""] == pytest.approx((1 + 0 + squares / (squares + circles) + 1) / 4, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("%%%", "cannot be unpacked"),
        (base64.b64encode(b"no zlib").decode(), "cannot be unpacked"),
        (packed(np.zeros(5)), "pixels, as its image has"),
        (base64.b64encode(zlib.compress(bytes(50_000_000))).decode(), "pixels, as its image has"),
    ],
)
def test_bad_maps_are_refused_with_a_sentence(text, said, tmp_path):
    gold = gold_of("shape-masks", tmp_path)
    found = MapPredictions(ids=ids_of(gold), packed=(text, *[packed(one) for one in truth_maps(gold)][1:]))

    with pytest.raises(BadOutput, match=said):
        score(DEFINITIONS["shape-masks"], gold, found)


def test_a_map_with_an_unknown_number_is_refused(tmp_path):
    gold = gold_of("shape-masks", tmp_path)
    maps = truth_maps(gold)
    maps[3] = np.full_like(maps[3], 4)
    found = MapPredictions(ids=ids_of(gold), packed=tuple(packed(one) for one in maps))

    with pytest.raises(BadOutput, match="a number that is no label"):
        score(DEFINITIONS["shape-masks"], gold, found)


def test_a_listener_that_misses_every_tenth_number_misses_as_many_words(tmp_path):
    gold = gold_of("dialled", tmp_path)
    texts = ["" if index % 10 == 0 else row["reference"].upper() + "!" for index, row in enumerate(gold)]

    found = overall(score(DEFINITIONS["dialled"], gold, TextPredictions(ids=ids_of(gold), texts=tuple(texts))))

    words = [len(row["reference"].split()) for row in gold]
    assert found["wer"].value == pytest.approx(sum(words[::10]) / sum(words), abs=1e-12)
    assert found["deletions"].value == found["wer"].value
    assert found["insertions"].value == found["substitutions"].value == 0.0
    assert found["wer"].method == "bootstrap"


@pytest.mark.parametrize("name", ["dialled", "scene-captions", "scene-questions"])
@pytest.mark.parametrize(
    ("text", "said"),
    [('{"id": "a"}', "no id or no text"), ('{"id": "a", "text": 3}', "no id or no text"),
     (json.dumps({"id": "a", "text": "a" * 20_001}), "more than 20000 signs")],
)  # fmt: skip
def test_bad_texts_are_refused_with_a_sentence(name, text, said, tmp_path):
    (tmp_path / "predictions.jsonl").write_text(text + "\n")

    with pytest.raises(BadOutput, match=said):
        read_predictions(DEFINITIONS[name], tmp_path)


def test_a_caption_equal_to_a_reference_has_all_the_bleu_there_is(tmp_path):
    gold = gold_of("scene-captions", tmp_path)
    texts = tuple(f"There is {row['references'][0]}." for row in gold)

    found = overall(score(DEFINITIONS["scene-captions"], gold, TextPredictions(ids=ids_of(gold), texts=texts)))

    assert found["bleu4"].value == 1.0
    assert 1 < found["cider"].value < 10
    assert found["cider"].method == "t"
    assert found["bleu4"].signature == "normaliser words@1"


def test_who_says_what_two_of_ten_say_is_three_fifths_right(tmp_path):
    gold = gold_of("scene-questions", tmp_path)
    texts = ("I", *["Unknown."] * (len(gold) - 1))

    values = score(DEFINITIONS["scene-questions"], gold, TextPredictions(ids=ids_of(gold), texts=texts))

    assert values[0].value == pytest.approx(0.6 * (len(gold) - 1) / len(gold), abs=1e-12)
    assert values[0].method == "clustered t"
    assert {value.slice for value in values} == {"", "question:number", "question:colour"}


def test_features_that_tell_the_label_are_read_by_both_probes(tmp_path):
    gold = gold_of("shapes-probe", tmp_path)
    definition = DEFINITIONS["shapes-probe"]
    names = definition.label_names
    vectors = np.eye(len(names))[[names.index(row["label"]) for row in gold]]
    tests = [index for index, row in enumerate(gold) if row["split"] == "test"]
    wrong = tests[:24]
    vectors[wrong] = np.roll(vectors[wrong], 1, axis=1)

    found = overall(score(definition, gold, EmbeddingPredictions(ids=ids_of(gold), embeddings=vectors)))

    assert found["probe_accuracy"].value == found["knn20_accuracy"].value == pytest.approx(216 / 240)
    assert found["probe_accuracy"].n == 240
    assert found["knn20_accuracy"].method == "wilson"


def test_a_probe_without_train_items_answered_is_refused(tmp_path):
    gold = gold_of("shapes-probe", tmp_path)
    answered = [row for row in gold if row["split"] == "test"]

    with pytest.raises(BadOutput, match="did not answer 360 of 600"):
        score(
            DEFINITIONS["shapes-probe"], gold, EmbeddingPredictions(ids=ids_of(answered), embeddings=np.ones((240, 3)))
        )  # fmt: skip


def test_a_retriever_that_knows_scenes_finds_both_ways(tmp_path):
    gold = gold_of("scene-retrieval", tmp_path)
    number = {key: index for index, key in enumerate(sorted({row["cluster"] for row in gold}))}
    vectors = np.eye(len(number))[[number[row["cluster"]] for row in gold]]

    values = score(DEFINITIONS["scene-retrieval"], gold, EmbeddingPredictions(ids=ids_of(gold), embeddings=vectors))

    assert {value.value for value in values} == {1.0}
    assert {value.n for value in values if not value.slice} == {len(gold)}


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("shapes-zero-shot", {"prompt": None}, "prompt.template: write one text a line"),
        ("shapes-zero-shot", {"labels": None}, "labels: this benchmark has to list its labels"),
        ("shape-boxes", {"labels": None}, "labels: this benchmark has to list its labels"),
        ("scene-captions", {"filters": ()}, "filters: name the one normaliser"),
        ("scene-questions", {"filters": ("words@1", "spaces@1")}, "filters: name the one normaliser"),
    ],
)
def test_definitions_name_what_their_request_needs(name, change, said):
    from evaluation.benchmarks.checks import check
    from evaluation.errors import BadDefinition

    with pytest.raises(BadDefinition, match=said):
        check(dataclasses.replace(WHOLE[name], **change))
