"""The circle with real processes for every task of sounds and images: the score is the one that answers explain."""

import io

import numpy as np
import pytest
from PIL import Image

from evaluation.benchmarks import readers
from tests.evaluation import circles
from tests.evaluation.runner import image_models, sound_models
from tests.evaluation.test_circle import Circle
from tests.processes import Hub

pytestmark = pytest.mark.slow

MODELS = {
    "dtmf": ("audio-classification", sound_models.save_key_listener),
    "dialled": ("automatic-speech-recognition", sound_models.save_dialler),
    "shapes": ("image-classification", image_models.save_resnet),
    "shape-boxes": ("object-detection", image_models.save_centre_finder),
    "shape-masks": ("image-segmentation", image_models.save_colour_painter),
    "shapes-zero-shot": ("zero-shot-image-classification", image_models.save_clip),
    "scene-retrieval": ("zero-shot-image-classification", image_models.save_clip),
    "shapes-probe": ("image-feature-extraction", image_models.save_resnet),
    "scene-captions": ("image-to-text", image_models.save_captioner),
    "scene-questions": (
        "visual-question-answering",
        lambda folder: image_models.save_answerer(folder, always="red"),
    ),
}


@pytest.fixture(scope="module")
def circle():
    with Hub.started("media", AUTO_EVALUATE="0") as hub:
        circle = Circle(hub)
        yield circle
        circle.http.close()


def in_the_order_of_the_data(definition):
    """As the site scores: ties and held out tenths depend on it."""
    names = readers.opaque_names(readers.read(definition), circles.SEED).values()
    place_of = {name: number for number, name in enumerate(names)}
    return lambda gold: sorted(gold, key=lambda row: place_of[row["id"]])


@pytest.mark.parametrize("name", sorted(MODELS))
def test_from_upload_to_score(name, circle, tmp_path):
    definition = circles.DEFINITIONS[name]

    folder, run = circles.from_upload_to_score(circle, name, *MODELS[name], tmp_path / name)

    primary, order = run["scores"][0], in_the_order_of_the_data(definition)
    expected = circles.scored_here(definition, folder, tmp_path / "again", order=order)[0]
    assert (primary["metric"], primary["n"]) == (definition.primary.name, expected.n)
    assert primary["value"] == pytest.approx(expected.value, abs=1e-9)
    assert primary["low"] <= primary["value"] <= primary["high"]
    if name in PLANTED:
        assert primary["value"] == pytest.approx(PLANTED[name](readers.read(definition).gold), abs=1e-9)


def share_of_squares(gold):
    masks = [np.asarray(Image.open(io.BytesIO(row["mask"]))) for row in gold]
    return sum(int((mask == 2).sum()) for mask in masks) / sum(int((mask != 255).sum()) for mask in masks) / 4


def share_of_red(gold):
    return sum("red" in row["answers"] for row in gold) / len(gold)


PLANTED = {"shape-masks": share_of_squares, "scene-questions": share_of_red}
