"""Sounds: PCM WAV to one channel at the rate a model hears. No torchaudio, no ffmpeg."""

import io
import math
import wave
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.signal import resample_poly  # type: ignore[import-untyped]  # scipy has no types

LONGEST_SECONDS = 3600  # of one sound: an hour at 16 kHz is 230 MB once decoded
MOST_CHANNELS = 8
RESAMPLER = "scipy resample_poly, kaiser 5.0"

Wave = np.ndarray[Any, np.dtype[np.float32]]


class BadSound(ValueError):
    """A sound that is not read here; the message says why."""


@dataclass(frozen=True)
class SoundFacts:
    """What the header of a sound says."""

    frames: int
    rate: int  # Hz
    channels: int
    width: int  # bytes of one number

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    def samples_at(self, rate: int) -> int:
        """How many numbers one channel has after resampling."""
        up, down = _ratio(self.rate, rate)
        return -(-self.frames * up // down)


def sound_facts(content: bytes) -> SoundFacts:
    """Raises BadSound: not PCM WAV, empty, or longer than is decoded here."""
    with _opened(content) as stream:
        return _facts(stream)


def read_sound(content: bytes, rate: int) -> Wave:
    """Samples between -1 and 1 at `rate` Hz, channels averaged.

    Raises:
        BadSound
    """
    with _opened(content) as stream:
        facts = _facts(stream)
        raw = stream.readframes(facts.frames)
    if len(raw) != facts.frames * facts.channels * facts.width:
        raise BadSound("it ends before its last sample")
    mono = _numbers(raw, facts.width).reshape(-1, facts.channels).mean(axis=1)
    up, down = _ratio(facts.rate, rate)
    found: Wave = (mono if up == down else resample_poly(mono, up, down)).astype(np.float32)
    return found


def _opened(content: bytes) -> wave.Wave_read:
    try:
        return wave.open(io.BytesIO(content), "rb")
    except (wave.Error, EOFError, RuntimeError) as error:
        raise BadSound(f"only PCM WAV is read here ({error})") from error


def _facts(stream: wave.Wave_read) -> SoundFacts:
    facts = SoundFacts(
        frames=stream.getnframes(),
        rate=stream.getframerate(),
        channels=stream.getnchannels(),
        width=stream.getsampwidth(),
    )
    if facts.frames < 1 or not 1 <= facts.channels <= MOST_CHANNELS or not 1000 <= facts.rate <= 768_000:
        raise BadSound("it is empty, or has a rate or a number of channels that no recording has")
    if facts.width not in (1, 2, 3, 4):
        raise BadSound(f"its samples have {8 * facts.width} bits")
    if facts.seconds > LONGEST_SECONDS:
        raise BadSound(f"it lasts {facts.seconds:.0f} s; at most {LONGEST_SECONDS} s are decoded")
    return facts


def _numbers(raw: bytes, width: int) -> "np.ndarray[Any, np.dtype[np.float64]]":
    if width == 1:  # the only unsigned width
        return (np.frombuffer(raw, dtype=np.uint8).astype(np.float64) - 128) / 128
    if width == 3:
        # The three bytes become the upper ones of four.
        wide = np.zeros((len(raw) // 3, 4), dtype=np.uint8)
        wide[:, 1:] = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 3)
        raw, width = wide.tobytes(), 4
    numbers: np.ndarray[Any, np.dtype[np.float64]] = np.frombuffer(raw, dtype=f"<i{width}").astype(np.float64)
    return numbers / float(2 ** (8 * width - 1))


def _ratio(found: int, wanted: int) -> tuple[int, int]:
    common = math.gcd(found, wanted)
    return wanted // common, found // common
