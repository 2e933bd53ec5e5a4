"""Coloured shapes on a plain ground, computed: boxes, masks, captions and answers are exact, nobody holds rights."""

import functools
import hashlib
import io
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from evaluation.benchmarks.items import Items, Reader, Row
from evaluation.benchmarks.schema import Definition

REPO = "builtin:generated-scenes"
SHAPES = ("circle", "square", "triangle")
COLOURS = {"red": (214, 48, 40), "green": (40, 160, 72), "blue": (44, 84, 200), "yellow": (236, 204, 48)}
SIZES = ((160, 120), (120, 160), (192, 192))  # width, height in pixels
SMALLEST, LARGEST = 12, 120  # sides of a shape: COCO's small, medium and large ones are among them
SCENES = {"test": 240, "train": 400}
PICTURES = {"test": 240, "train": 360}
IGNORED = 255  # mask value of the pixels around a shape, which no label has
TO_IMAGE, TO_TEXT = "text to image", "image to text"
BOXES_KEPT_APART = 2  # pixels

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Inside = np.ndarray[Any, np.dtype[np.bool_]]
Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two are outside


@dataclass(frozen=True)
class Shape:
    shape: str
    colour: str
    box: Box
    area: int  # pixels

    @property
    def name(self) -> str:
        return f"{self.colour} {self.shape}"


@dataclass(frozen=True)
class Scene:
    key: str
    size: tuple[int, int]
    png: bytes
    mask: bytes  # PNG of one value a pixel: 0 ground, then SHAPES, IGNORED at their edges
    shapes: tuple[Shape, ...]  # from left to right

    @property
    def caption(self) -> str:
        return " and ".join(f"a {shape.name}" for shape in self.shapes)


@functools.cache
def scenes(split: str) -> tuple[Scene, ...]:
    """One to four shapes each, apart from each other."""
    return tuple(_scene(f"{split} scene {number}", most=4) for number in range(SCENES[split]))


@functools.cache
def pictures(split: str) -> tuple[Scene, ...]:
    """One shape each."""
    return tuple(_scene(f"{split} picture {number}", most=1) for number in range(PICTURES[split]))


def _scene(key: str, *, most: int) -> Scene:
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]))
    width, height = SIZES[random.integers(len(SIZES))]
    canvas = _ground(random, width, height)
    mask = np.zeros((height, width), dtype=np.uint8)
    shapes: list[Shape] = []
    for _ in range(int(random.integers(1, most + 1))):
        if (drawn := _place(random, canvas, mask, [shape.box for shape in shapes])) is not None:
            shapes.append(drawn)
    shapes.sort(key=lambda shape: (shape.box[0] + shape.box[2], shape.box))
    return Scene(key=key, size=(width, height), png=_png(canvas), mask=_png(mask), shapes=tuple(shapes))


def _ground(random: np.random.Generator, width: int, height: int) -> Pixels:
    """Grey, a little lighter towards one side."""
    slope = np.linspace(0, random.integers(10, 40), width)[None, :, None]
    ground: Pixels = (random.integers(90, 160) + slope + np.zeros((height, 1, 3))).astype(np.uint8)
    return ground


def _place(random: np.random.Generator, canvas: Pixels, mask: Pixels, taken: list[Box]) -> Shape | None:
    """Draws one shape where there is room for it; None when there is none."""
    height, width = mask.shape
    for _ in range(20):
        side = int(np.exp(random.uniform(np.log(SMALLEST), np.log(min(LARGEST, width - 8, height - 8)))))
        left, top = int(random.integers(2, width - side - 1)), int(random.integers(2, height - side - 1))
        if not any(_touch((left, top, left + side, top + side), box) for box in taken):
            break
    else:
        return None
    name, colour = SHAPES[random.integers(len(SHAPES))], list(COLOURS)[random.integers(len(COLOURS))]
    inside = _outline(name, side)
    rows, columns = np.nonzero(inside)
    window = (slice(top, top + side), slice(left, left + side))
    canvas[window][inside] = COLOURS[colour]
    mask[window][inside] = 1 + SHAPES.index(name)
    mask[window][inside & ~_core(inside)] = IGNORED
    box = (left + int(columns.min()), top + int(rows.min()), left + int(columns.max()) + 1, top + int(rows.max()) + 1)
    return Shape(shape=name, colour=colour, box=box, area=int(inside.sum()))


def _outline(name: str, side: int) -> Inside:
    """Which pixels of a square window a shape covers, by their centres."""
    across, down = np.meshgrid((np.arange(side) + 0.5) / side, (np.arange(side) + 0.5) / side)
    if name == "circle":
        return (across - 0.5) ** 2 + (down - 0.5) ** 2 <= 0.25
    if name == "triangle":
        return np.abs(across - 0.5) <= down / 2
    return np.ones((side, side), dtype=np.bool_)


def _core(inside: Inside) -> Inside:
    """Without the pixels at the edge."""
    framed = np.pad(inside, 1)
    return inside & framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]


def _touch(one: Box, other: Box) -> bool:
    gap = BOXES_KEPT_APART
    apart = (one[2] + gap <= other[0], other[2] + gap <= one[0], one[3] + gap <= other[1], other[3] + gap <= one[1])
    return not any(apart)


def _png(pixels: Pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _read_names(definition: Definition) -> Items:
    found = pictures(definition.dataset.split)
    return Items(
        inputs=[{"id": picture.key, "image": picture.png} for picture in found],
        gold=[{"id": picture.key, "label": picture.shapes[0].name} for picture in found],
    )


def _read_boxes(definition: Definition) -> Items:
    found = scenes(definition.dataset.split)
    return Items(
        inputs=[{"id": scene.key, "image": scene.png} for scene in found],
        gold=[
            {
                "id": scene.key,
                "size": list(scene.size),
                "boxes": [list(shape.box) for shape in scene.shapes],
                "labels": [shape.shape for shape in scene.shapes],
                "areas": [shape.area for shape in scene.shapes],
            }
            for scene in found
        ],
    )


def _read_masks(definition: Definition) -> Items:
    found = scenes(definition.dataset.split)
    return Items(
        inputs=[{"id": scene.key, "image": scene.png} for scene in found],
        gold=[{"id": scene.key, "size": list(scene.size), "mask": scene.mask} for scene in found],
    )


def _read_probe(definition: Definition) -> Items:
    found = [(split, picture) for split in ("train", "test") for picture in pictures(split)]
    return Items(
        inputs=[{"id": picture.key, "image": picture.png} for _, picture in found],
        gold=[{"id": picture.key, "label": picture.shapes[0].name, "split": split} for split, picture in found],
    )


def _read_pairs(definition: Definition) -> Items:
    """Captions that another scene has, too, are left out: which of the two is meant, nobody could tell."""
    found = scenes(definition.dataset.split)
    uses = Counter(scene.caption for scene in found)
    inputs: list[Row] = []
    gold: list[Row] = []
    for scene in found:
        if uses[scene.caption] == 1:
            image, caption = f"{scene.key} image", f"{scene.key} caption"
            inputs += [{"id": image, "image": scene.png}, {"id": caption, "text": scene.caption}]
            shared = {"cluster": scene.key}
            gold.append({"id": image, "pools": [TO_IMAGE], "targets": {TO_TEXT: [caption]}, **shared})
            gold.append({"id": caption, "pools": [TO_TEXT], "targets": {TO_IMAGE: [image]}, **shared})
    return Items(inputs=inputs, gold=gold)


def _read_captions(definition: Definition) -> Items:
    found = scenes(definition.dataset.split)
    return Items(
        inputs=[{"id": scene.key, "image": scene.png} for scene in found],
        gold=[{"id": scene.key, "references": references(scene)} for scene in found],
    )


def references(scene: Scene) -> list[str]:
    """Five ways to say what a scene shows."""
    plain = ", ".join(shape.name for shape in scene.shapes)
    said = scene.caption
    return [said, f"there is {said}", f"a picture of {said}", f"{said} on a grey ground", f"shapes: {plain}"]


def questions(split: str) -> list[tuple[Scene, str, str, str]]:
    """(scene, kind of question, question, answer): how many in every scene, what colour where a shape stands alone."""
    asked = []
    for scene in scenes(split):
        asked.append((scene, "number", "how many shapes are there?", str(len(scene.shapes))))
        uses = Counter(shape.shape for shape in scene.shapes)
        alone = [shape for shape in scene.shapes if uses[shape.shape] == 1]
        asked += [(scene, "colour", f"what colour is the {shape.shape}?", shape.colour) for shape in alone[:1]]
    return asked


def _read_questions(definition: Definition) -> Items:
    """Of ten people eight know the answer; two say that they do not."""
    inputs: list[Row] = []
    gold: list[Row] = []
    for scene, kind, question, answer in questions(definition.dataset.split):
        key = f"{scene.key} {kind}"
        inputs.append({"id": key, "image": scene.png, "text": question})
        gold.append({"id": key, "answers": [answer] * 8 + ["unknown"] * 2, "group": kind, "cluster": scene.key})
    return Items(inputs=inputs, gold=gold)


READERS: dict[tuple[str, str], Reader] = {
    (REPO, "image-classify"): _read_names,
    (REPO, "detect"): _read_boxes,
    (REPO, "segment"): _read_masks,
    (REPO, "zero-shot"): _read_names,
    (REPO, "features"): _read_probe,
    (REPO, "image-text-embed"): _read_pairs,
    (REPO, "caption"): _read_captions,
    (REPO, "vqa"): _read_questions,
}
