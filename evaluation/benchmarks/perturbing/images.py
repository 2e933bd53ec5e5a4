"""Changes of images: what poor cameras, light and compression do to them. The result is PNG: no more is lost."""

import io
import random
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from evaluation.benchmarks.perturbing.kind import PerturbationKind


def noise(content: bytes, chance: random.Random, p: float) -> bytes:
    pixels = np.asarray(_image(content), dtype=np.float64)
    grain = np.random.default_rng(chance.getrandbits(64)).normal(0.0, 255 * p, pixels.shape)
    return _png(_of(pixels + grain))


def blur(content: bytes, _chance: random.Random, p: float) -> bytes:
    image = _image(content)
    return _png(image.filter(ImageFilter.GaussianBlur(max(0.5, p * min(image.size)))))


def brightness(content: bytes, chance: random.Random, p: float) -> bytes:
    factor = 1 + p if chance.random() < 0.5 else 1 - p
    return _png(_of(np.asarray(_image(content), dtype=np.float64) * factor))


def jpeg(content: bytes, _chance: random.Random, p: float) -> bytes:
    stream = io.BytesIO()
    _image(content).save(stream, "JPEG", quality=max(1, round(100 * (1 - p))))
    return _png(_image(stream.getvalue()))


def _image(content: bytes) -> Image.Image:
    """Grey or red, green and blue, eight bits each."""
    with Image.open(io.BytesIO(content)) as opened:
        return opened.convert("L" if opened.mode in ("1", "L", "LA") else "RGB")


def _of(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Image.Image:
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


KINDS: Final[tuple[PerturbationKind[bytes], ...]] = (
    PerturbationKind(
        name="noise",
        column="image",
        description="Normal noise on every pixel; p is its standard deviation as a share of the whole range.",
        p=0.1,
        change=noise,
    ),
    PerturbationKind(
        name="blur",
        column="image",
        description="A Gaussian blur whose radius is p of the shorter side, at least half a pixel.",
        p=0.02,
        change=blur,
    ),
    PerturbationKind(
        name="brightness",
        column="image",
        description="All values times 1 + p or 1 - p, by chance.",
        p=0.4,
        change=brightness,
    ),
    PerturbationKind(
        name="jpeg",
        column="image",
        description="Compressed as JPEG of the quality 100 (1 - p).",
        p=0.75,
        change=jpeg,
    ),
)
