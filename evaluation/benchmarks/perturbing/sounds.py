"""Changes of recordings."""

import io
import math
import random
from typing import Any, Final

import numpy as np

from evaluation.benchmarks.perturbing.kind import PerturbationKind

Samples = np.ndarray[Any, np.dtype[Any]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


def noise(content: bytes, chance: random.Random, p: float) -> bytes:
    # Every process of the site imports this module, and scipy.io alone takes a fifth of a second to import.
    from scipy.io import wavfile  # type: ignore[import-untyped]  # scipy has no types

    rate, samples = wavfile.read(io.BytesIO(content))
    whole = _as_floats(samples)
    loudness = math.sqrt(float((whole**2).mean()))
    grain = np.random.default_rng(chance.getrandbits(64)).normal(0.0, loudness * math.sqrt(p), whole.shape)
    stream = io.BytesIO()
    wavfile.write(stream, rate, np.rint(np.clip(whole + grain, -1, 1) * 32767).astype(np.int16))
    return stream.getvalue()


def _as_floats(samples: Samples) -> Floats:
    """From -1 to 1; eight bits are unsigned in WAV."""
    floats: Floats = samples.astype(np.float64)
    if samples.dtype == np.uint8:
        return (floats - 128) / 128
    return floats / float(np.iinfo(samples.dtype).max) if samples.dtype.kind == "i" else floats


KINDS: Final[tuple[PerturbationKind[bytes], ...]] = (
    PerturbationKind(
        name="noise",
        column="audio",
        description="White noise; p is its power as a share of the recording's own: 0.1 is 10 dB.",
        p=0.1,
        change=noise,
    ),
)
