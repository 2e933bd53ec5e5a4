"""Formulas of sounds and images equal their reference libraries, on random answers and at the edges."""

import contextlib
import io
import math
from collections import Counter

import jiwer
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sacrebleu.metrics import BLEU
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, jaccard_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from evaluation.metrics.formulas.bleu import bleu, bleu_counts
from evaluation.metrics.formulas.cider import cider
from evaluation.metrics.formulas.detection import AREAS, Boxes, ClassMatches, match
from evaluation.metrics.formulas.edits import edits
from evaluation.metrics.formulas.probes import neighbour_hits, probe_hits
from evaluation.metrics.formulas.regions import class_iou, mean_iou, pixel_accuracy, pixel_counts
from evaluation.metrics.formulas.vqa import vqa_accuracy
from evaluation.metrics.formulas.words import NORMALISERS

CLOSE = {"abs": 1e-9}
WORDS = ["the", "a", "cat", "dog", "sat", "on", "mat", "red", "big", "two", "of"]


def sentence(random, longest=9):
    return [WORDS[index] for index in random.integers(0, len(WORDS), random.integers(1, longest))]


@pytest.mark.parametrize("seed", range(4))
def test_error_rates_equal_jiwer_over_the_corpus(seed):
    random = np.random.default_rng(seed)
    references = [" ".join(sentence(random)) for _ in range(60)]
    heard = [" ".join(sentence(random, 12)) for _ in range(60)]

    by_word = [edits(one.split(), other.split()) for one, other in zip(references, heard, strict=True)]
    by_sign = [edits(one, other) for one, other in zip(references, heard, strict=True)]

    words, signs = sum(len(one.split()) for one in references), sum(map(len, references))
    assert sum(one.total for one in by_word) / words == pytest.approx(jiwer.wer(references, heard), **CLOSE)
    assert sum(one.total for one in by_sign) / signs == pytest.approx(jiwer.cer(references, heard), **CLOSE)
    theirs = jiwer.process_words(references, heard)
    # Equally short ways differ in what they are made of, but never in how much longer the answer gets.
    assert sum(one.insertions - one.deletions for one in by_word) == theirs.insertions - theirs.deletions


def test_the_mean_of_rates_is_another_number_than_the_rate_of_the_corpus():
    one, other = edits(["yes"], ["no"]), edits(WORDS, WORDS)

    assert (one.total + other.total) / (1 + len(WORDS)) == pytest.approx(1 / 12)
    assert (one.total / 1 + other.total / 10) / 2 == 0.5


@pytest.mark.parametrize(
    ("reference", "found", "wanted"),
    [
        ("a b c", "a b c", (0, 0, 0)),
        ("a b c", "a x c", (1, 0, 0)),
        ("a b c", "a c", (0, 1, 0)),
        ("a c", "a b c", (0, 0, 1)),
        ("a b", "", (0, 2, 0)),
        ("", "a b", (0, 0, 2)),
        ("a b", "b c", (2, 0, 0)),  # as short as leaving out one and putting in another
        ("", "", (0, 0, 0)),
    ],
)
def test_edits_are_told_apart(reference, found, wanted):
    assert tuple(edits(reference.split(), found.split())) == wanted


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("words@1", "  Don\u2019t STOP, now -- it's well-known! ", "don't stop now it's well-known"),
        ("words@1", "Stra\u00dfe \u2160", "strasse i"),
        ("spaces@1", " A  b\n", "A b"),
        ("short-answers@1", "The two Dogs.", "2 dogs"),
    ],
)
def test_normalisers_do_what_their_names_say(name, text, wanted):
    assert NORMALISERS[name](text) == wanted


def scenes(seed, *, images=14, crowds=True):
    """Objects and found boxes of three classes, of all sizes; many boxes lie near an object, scores repeat."""
    random = np.random.default_rng(seed)
    gold, found = [], []
    for image in range(images):
        for _ in range(random.integers(0, 7)):
            side = float(np.exp(random.uniform(np.log(8), np.log(200))))
            box = [*random.uniform(0, 300, 2), side, side * random.uniform(0.5, 1.5)]
            label = int(random.integers(3))
            crowd = int(crowds and random.random() < 0.15)
            gold.append({"image": image, "label": label, "box": box, "area": box[2] * box[3] * 0.8, "crowd": crowd})
            for _ in range(random.integers(0, 4)):
                moved = [value + random.normal(0, 0.08 * side) for value in box[:2]]
                size = [value * random.uniform(0.85, 1.15) for value in box[2:]]
                guess = label if random.random() < 0.8 else int(random.integers(3))
                score = round(float(random.random()), 1)
                found.append({"image": image, "label": guess, "box": [*moved, *size], "score": score})
    return gold, found


def theirs(gold, found, images=14):
    truth = COCO()
    truth.dataset = {
        "images": [{"id": number + 1, "width": 600, "height": 600} for number in range(images)],
        "categories": [{"id": number + 1} for number in range(3)],
        "annotations": [
            {
                "id": number + 1, "image_id": row["image"] + 1, "category_id": row["label"] + 1, "bbox": row["box"],
                "area": row["area"], "iscrowd": row["crowd"],
            }
            for number, row in enumerate(gold)
        ],
        "info": {},
    }  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        told = truth.loadRes([
            {"image_id": row["image"] + 1, "category_id": row["label"] + 1, "bbox": row["box"], "score": row["score"]}
            for row in found
        ])  # fmt: skip
        judge = COCOeval(truth, told, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge.stats


def ours(gold, found, images=14, weights=None):
    classes = []
    for label in range(3):
        matches = []
        for image in range(images):
            own = [row for row in gold if (row["image"], row["label"]) == (image, label)]
            told = [row for row in found if (row["image"], row["label"]) == (image, label)]
            boxes = Boxes(
                corners=corners(own), areas=np.array([row["area"] for row in own]),
                crowd=np.array([row["crowd"] for row in own], dtype=bool),
            )  # fmt: skip
            matches.append(match(boxes, corners(told), np.array([row["score"] for row in told])))
        classes.append(ClassMatches.join(matches))
    weights = np.ones(images) if weights is None else weights

    def mean(area, thresholds=slice(None)):
        number = list(AREAS).index(area)
        values = [one.average_precision(number, weights, thresholds) for one in classes]
        told = [value for value in values if value is not None]
        return float(np.mean(told)) if told else -1.0  # as COCO says of nothing

    recalls = [one.recall(0, weights) for one in classes]
    return [
        mean("all"), mean("all", slice(0, 1)), mean("all", slice(5, 6)), mean("small"), mean("medium"), mean("large"),
        float(np.mean([value for value in recalls if value is not None])),
    ]  # fmt: skip


def corners(rows):
    boxes = np.array([row["box"] for row in rows], dtype=float).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


@pytest.mark.parametrize("seed", range(8))
def test_average_precision_equals_pycocotools(seed):
    gold, found = scenes(seed)

    stats = theirs(gold, found)

    assert ours(gold, found) == pytest.approx([*stats[:6], stats[8]], **CLOSE)


def test_an_image_drawn_twice_counts_as_two_images():
    gold, found = scenes(5, crowds=False)
    twice = [row | {"image": 14} for row in gold if row["image"] == 3]
    found_twice = [row | {"image": 14} for row in found if row["image"] == 3]
    weights = np.ones(14)
    weights[3] = 2

    assert ours(gold, found, weights=weights) == pytest.approx(
        ours(gold + twice, found + found_twice, images=15), **CLOSE
    )


def test_only_a_hundred_boxes_of_a_class_are_looked_at():
    gold = [{"image": 0, "label": 0, "box": [0, 0, 50, 50], "area": 2500, "crowd": 0}]
    wrong = [{"image": 0, "label": 0, "box": [100, 100, 50, 50], "score": 0.9}] * 100
    right = [{"image": 0, "label": 0, "box": [0, 0, 50, 50], "score": 0.1}]

    assert ours(gold, wrong + right, images=1)[0] == 0.0
    assert ours(gold, wrong[:99] + right, images=1)[0] == pytest.approx(0.01)


@pytest.mark.parametrize("seed", range(3))
def test_pixel_metrics_equal_scikit_learn(seed):
    random = np.random.default_rng(seed)
    gold = random.choice([0, 1, 2, 3, 255], (6, 20, 30), p=[0.4, 0.3, 0.15, 0.05, 0.1]).astype(np.uint16)
    found = np.where(random.random(gold.shape) < 0.6, gold % 4, random.integers(0, 4, gold.shape)).astype(np.uint16)

    counts = sum(pixel_counts(one, other, 4) for one, other in zip(gold, found, strict=True))

    seen = gold != 255
    truth, told = gold[seen], found[seen]
    assert mean_iou(counts) == pytest.approx(jaccard_score(truth, told, average="macro"), **CLOSE)
    assert class_iou(counts) == pytest.approx(jaccard_score(truth, told, average=None), **CLOSE)
    assert pixel_accuracy(counts) == pytest.approx(accuracy_score(truth, told), **CLOSE)


def test_a_label_that_is_nowhere_does_not_lower_the_mean():
    counts = pixel_counts(np.zeros((4, 4), dtype=np.uint16), np.zeros((4, 4), dtype=np.uint16), 3)

    assert mean_iou(counts) == 1.0
    assert list(np.isnan(class_iou(counts))) == [False, True, True]


@pytest.mark.parametrize("seed", range(3))
def test_bleu_equals_sacrebleu_without_smoothing(seed):
    random = np.random.default_rng(seed)
    references = [[sentence(random) for _ in range(3)] for _ in range(80)]
    found = [own[0][: random.integers(1, 9)] + sentence(random, 3) for own in references]

    value = bleu(sum(bleu_counts(own, words) for own, words in zip(references, found, strict=True)))

    reference = BLEU(tokenize="none", smooth_method="none", force=True)
    columns = [[" ".join(own[number]) for own in references] for number in range(3)]
    assert value == pytest.approx(
        reference.corpus_score([" ".join(words) for words in found], columns).score / 100, **CLOSE
    )
    assert 0 < value < 1


def test_a_caption_that_shares_no_four_words_has_no_bleu():
    assert bleu(bleu_counts([["a", "b", "c", "d"]], ["a", "b", "c", "x"])) == 0.0


def written_out_cider(references, found):
    """The formulas of the paper, one term at a time."""

    def grams(words, size):
        return Counter(tuple(words[start : start + size]) for start in range(len(words) - size + 1))

    def weight(gram, count):
        images = sum(any(gram in grams(words, len(gram)) for words in own) for own in references)
        return count * (math.log(len(references)) - math.log(max(1, images)))

    def norm(words, size):
        return math.sqrt(sum(weight(gram, count) ** 2 for gram, count in grams(words, size).items()))

    scores = []
    for words, own in zip(found, references, strict=True):
        total = 0.0
        for size in range(1, 5):
            for other in own:
                theirs, mine = grams(other, size), grams(words, size)
                product = sum(
                    min(weight(gram, count), weight(gram, theirs[gram])) * weight(gram, theirs[gram])
                    for gram, count in mine.items()
                )
                length = norm(words, size) * norm(other, size)
                away = max(len(words) - 1, 0) - max(len(other) - 1, 0)
                total += product / length * math.exp(-(away**2) / 72) if length else 0.0
        scores.append(10 * total / 4 / len(own))
    return scores


@pytest.mark.parametrize("seed", range(2))
def test_cider_is_the_definition_written_out(seed):
    random = np.random.default_rng(seed)
    references = [[sentence(random) for _ in range(3)] for _ in range(12)]
    found = [own[0][:5] + sentence(random, 4) for own in references]

    assert cider(references, found) == pytest.approx(written_out_cider(references, found), **CLOSE)


def test_a_caption_equal_to_its_only_reference_has_all_the_cider_there_is():
    references = [["one", "red", "cat", "sat"], ["two", "blue", "dogs", "ran"], ["three", "old", "men", "ate"]]

    assert cider([[words] for words in references], references) == pytest.approx([10.0] * 3, **CLOSE)
    assert list(cider([[words] for words in references], [[]] * 3)) == [0.0] * 3


@pytest.mark.parametrize(("same", "wanted"), [(0, 0.0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (10, 1.0)])
def test_vqa_accuracy_leaves_one_person_out_at_a_time(same, wanted):
    answers = ["red"] * same + ["blue"] * (10 - same)

    assert vqa_accuracy(answers, "red") == pytest.approx(wanted, **CLOSE)


def features(seed):
    random = np.random.default_rng(seed)
    centres = random.normal(size=(3, 6))
    labels = random.integers(0, 3, 150)
    vectors = centres[labels] + random.normal(0, 1.1, (150, 6))
    return vectors[:100], labels[:100], vectors[100:], labels[100:]


def test_neighbours_equal_scikit_learn():
    train, labels, test, truth = features(0)
    reference = KNeighborsClassifier(20, metric="cosine", weights=lambda away: np.exp(-away / 0.07), algorithm="brute")

    told = reference.fit(train, labels).predict(test)

    assert np.array_equal(neighbour_hits(train, labels, test, truth), (told == truth).astype(float))


def test_the_probe_lies_among_those_of_the_grid_and_is_the_same_each_time():
    train, labels, test, truth = features(1)
    scaler = StandardScaler().fit(train)
    grid = [
        LogisticRegression(C=10.0**power, max_iter=500)
        .fit(scaler.transform(train), labels)
        .score(scaler.transform(test), truth)
        for power in range(-3, 4)
    ]

    hits = probe_hits(train, labels, test, truth)

    assert min(grid) <= hits.mean() <= max(grid)
    assert hits.mean() > 0.5
    assert set(np.round(3 * hits, 9)) <= {0.0, 1.0, 2.0, 3.0}
    assert np.array_equal(hits, probe_hits(train, labels, test, truth))


def test_a_feature_that_never_varies_is_no_obstacle():
    train, labels, test, truth = features(2)

    flat = probe_hits(np.hstack([train, np.ones((100, 1))]), labels, np.hstack([test, np.ones((50, 1))]), truth)

    assert np.array_equal(flat, probe_hits(train, labels, test, truth))
