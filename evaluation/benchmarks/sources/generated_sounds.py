"""Keys of a telephone as the tones they make (DTMF), computed: exact labels, no recording, no licence."""

import functools
import hashlib
import io
import wave
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.benchmarks.items import Items, Reader
from evaluation.benchmarks.schema import Definition

REPO = "builtin:generated-dtmf"
RATE = 16_000  # Hz
LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)  # Hz. Source: ITU-T Q.23
KEYS = "123A456B789C*0#D"
WORDS = {"0": "zero", "1": "one", "2": "two", "3": "three", "4": "four",
         "5": "five", "6": "six", "7": "seven", "8": "eight", "9": "nine"}  # fmt: skip
TONES = {"test": 512, "train": 640}  # items per split
NUMBERS = {"test": 240, "train": 320}

Samples = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Tone:
    key: str  # of the item
    label: str  # the telephone's key
    wav: bytes
    noise_db: int  # signal above noise


@dataclass(frozen=True)
class DialledNumber:
    key: str
    text: str  # its digits in words
    wav: bytes


@functools.cache
def tones(split: str) -> tuple[Tone, ...]:
    """One key each, of uneven length and loudness, in noise."""
    return tuple(_tone(f"{split} tone {number}", KEYS[number % len(KEYS)]) for number in range(TONES[split]))


@functools.cache
def dialled_numbers(split: str) -> tuple[DialledNumber, ...]:
    """Three to six digits each; the same key twice is told apart by the pause alone."""
    return tuple(_number(f"{split} number {number}") for number in range(NUMBERS[split]))


def dtmf_train() -> list[tuple[bytes, str]]:
    """(WAV, key) pairs that the benchmark `dtmf` never asks about."""
    return [(tone.wav, tone.label) for tone in tones("train")]


def dialled_train() -> list[tuple[bytes, str]]:
    """(WAV, text) pairs that the benchmark `dialled` never asks about."""
    return [(number.wav, number.text) for number in dialled_numbers("train")]


def _tone(key: str, label: str) -> Tone:
    random = _random(key)
    noise_db = int(random.choice([20, 10, 3]))
    sound = np.concatenate(
        [_silence(random, 0.01, 0.06), _beep(random, label, 0.06, 0.16), _silence(random, 0.01, 0.06)]
    )
    return Tone(key=key, label=label, wav=_wav(_in_noise(random, sound, noise_db)), noise_db=noise_db)


def _number(key: str) -> DialledNumber:
    random = _random(key)
    digits = [str(digit) for digit in random.integers(0, 10, random.integers(3, 7))]
    parts = [_silence(random, 0.04, 0.08)]
    for digit in digits:
        parts += [_beep(random, digit, 0.08, 0.12), _silence(random, 0.06, 0.10)]
    sound = _in_noise(random, np.concatenate(parts), 20)
    return DialledNumber(key=key, text=" ".join(WORDS[digit] for digit in digits), wav=_wav(sound))


def _random(key: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]))


def _beep(random: np.random.Generator, label: str, shortest: float, longest: float) -> Samples:
    low, high = LOW[KEYS.index(label) // 4], HIGH[KEYS.index(label) % 4]
    moments = np.arange(round(RATE * random.uniform(shortest, longest))) / RATE
    loud = random.uniform(0.1, 0.3)
    waves: Samples = loud * (np.sin(2 * np.pi * low * moments) + np.sin(2 * np.pi * high * moments))
    return waves


def _silence(random: np.random.Generator, shortest: float, longest: float) -> Samples:
    return np.zeros(round(RATE * random.uniform(shortest, longest)))


def _in_noise(random: np.random.Generator, sound: Samples, noise_db: int) -> Samples:
    strength = np.sqrt((sound**2).mean() / 10 ** (noise_db / 10))
    noisy: Samples = sound + random.normal(0, strength, len(sound))
    return noisy


def _wav(sound: Samples) -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return stream.getvalue()


def _read_tones(definition: Definition) -> Items:
    found = tones(definition.dataset.split)
    return Items(
        inputs=[{"id": tone.key, "audio": tone.wav} for tone in found],
        gold=[{"id": tone.key, "label": tone.label, "fields": {"noise_db": f"{tone.noise_db}"}} for tone in found],
    )


def _read_numbers(definition: Definition) -> Items:
    found = dialled_numbers(definition.dataset.split)
    return Items(
        inputs=[{"id": number.key, "audio": number.wav} for number in found],
        gold=[{"id": number.key, "reference": number.text} for number in found],
    )


READERS: dict[tuple[str, str], Reader] = {(REPO, "audio-classify"): _read_tones, (REPO, "transcribe"): _read_numbers}
