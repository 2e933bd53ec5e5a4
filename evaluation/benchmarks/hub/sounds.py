"""Recordings as the runner hears them: PCM WAV. Datasets hold FLAC, MP3 or OGG, which are decoded here."""

import io
import wave
from typing import Final

from evaluation.benchmarks.hub.tables import BadTable

LONGEST_SECONDS: Final = 3600


def as_wav(content: bytes) -> bytes:
    """The recording as 16-bit WAV at its own rate; what is WAV already stays as it is.

    Raises:
        BadTable: libsndfile cannot read it, or it is longer than an hour.
    """
    if content[:4] == b"RIFF":
        return content
    import soundfile  # loads libsndfile: only who decodes waits for it

    try:
        with soundfile.SoundFile(io.BytesIO(content)) as sound:
            if sound.frames > LONGEST_SECONDS * sound.samplerate:
                raise BadTable("a recording is longer than an hour.")
            samples = sound.read(dtype="int16", always_2d=True)
            rate = int(sound.samplerate)
    except soundfile.SoundFileError as error:
        raise BadTable(f"a recording cannot be decoded: {error}.") from error
    stream = io.BytesIO()
    with wave.open(stream, "wb") as written:
        written.setnchannels(samples.shape[1])
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(samples.astype("<i2").tobytes())
    return stream.getvalue()
