"""Sounds and images are read by what their bytes say; what is too large or no sound is refused before it is decoded."""

import io
import struct
import wave
import zlib

import numpy as np
import pytest
from PIL import Image

from evaluation.runner.failures import RunFailed
from evaluation.runner.media import Media
from evaluation.runner.sounds import BadSound, read_sound, sound_facts


def wav(frames, *, rate=16_000, channels=1, width=2):
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(frames)
    return stream.getvalue()


def sine(rate, seconds=0.5, hertz=440):
    return np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)


@pytest.mark.parametrize(("width", "steps"), [(1, 2**7), (2, 2**15), (3, 2**23), (4, 2**31)])
def test_every_width_of_pcm_is_read_alike(width, steps):
    wanted = sine(16_000) * 0.5
    whole = np.round(wanted * (steps - 1)).astype(np.int64)
    raw = (
        (whole + 128).astype(np.uint8).tobytes()
        if width == 1
        else b"".join(int(value).to_bytes(width, "little", signed=True) for value in whole)
    )

    found = read_sound(wav(raw, width=width), 16_000)

    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() < 2 / steps + 1e-6


def test_channels_are_averaged():
    left, right = np.full(100, 1000, dtype="<i2"), np.full(100, 3000, dtype="<i2")

    found = read_sound(wav(np.stack([left, right], axis=1).tobytes(), channels=2), 16_000)

    assert found == pytest.approx(np.full(100, 2000 / 32768), abs=1e-7)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_another_rate_gives_the_same_tone(rate):
    raw = (sine(rate) * 20_000).astype("<i2").tobytes()

    found = read_sound(wav(raw, rate=rate), 16_000)

    assert len(found) == sound_facts(wav(raw, rate=rate)).samples_at(16_000) == 8000
    middle = slice(500, -500)  # the filter knows nothing beyond the ends
    assert np.abs(found[middle] - (sine(16_000) * 20_000 / 32768)[middle]).max() < 0.005


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "only PCM WAV"),
        (b"fLaC" + bytes(100), "only PCM WAV"),
        (wav(b""), "empty"),
        (wav(bytes(20), channels=10), "number of channels"),
        (wav(bytes(200), rate=3), "rate"),
        (wav(bytes(2 * 16_000))[:-400], "ends before its last sample"),
        (
            wav(bytes(2 * 16_000)).replace(b"WAVEfmt \x10\x00\x00\x00\x01", b"WAVEfmt \x10\x00\x00\x00\x03"),
            "only PCM WAV",
        ),
    ],
)
def test_what_is_no_sound_is_refused_with_a_sentence(content, said):
    with pytest.raises(BadSound, match=said):
        read_sound(content, 16_000)


def test_a_sound_of_a_day_is_refused_before_it_is_decoded():
    lying = bytearray(wav(bytes(200), rate=1000))
    lying[40:44] = struct.pack("<I", 2 * 1000 * 86_400)

    with pytest.raises(BadSound, match="86400 s; at most 3600 s"):
        sound_facts(bytes(lying))


def png(width, height):
    """A PNG whose header promises more than its few bytes hold."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(8001, 8000), (12_000, 12_000), (60_000, 60_000)])
def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(width, height, tmp_path):
    (tmp_path / "bomb.png").write_bytes(png(width, height))

    with pytest.raises(RunFailed, match="more than 64000000 pixels") as failure:
        Media(tmp_path).image("bomb.png", "RGB")

    assert failure.value.reason == "data_unavailable"


@pytest.mark.parametrize("content", [b"", b"GIF89a" + bytes(40), png(10, 10)[:40]])
def test_what_is_no_image_is_not_the_models_fault(content, tmp_path):
    (tmp_path / "broken.png").write_bytes(content)

    with pytest.raises(RunFailed, match=r"The image 'broken\.png' of the inputs cannot be read") as failure:
        Media(tmp_path).image("broken.png", "RGB")

    assert failure.value.reason == "data_unavailable"


def test_the_size_of_an_image_is_known_without_decoding_it(tmp_path):
    Image.new("L", (30, 20)).save(tmp_path / "small.png")

    assert Media(tmp_path).image_size("small.png") == (30, 20)
