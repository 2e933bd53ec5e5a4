"""What kind of picture, film or sound a file is, told by its first bytes; what its sender says does not count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 64  # so many say what it is


@dataclass(frozen=True)
class MediaType:
    """A type that may be attached."""

    name: str
    suffix: str
    pattern: re.Pattern[bytes]

    @property
    def is_video(self) -> bool:
        return self.name.startswith("video/")


MEDIA_TYPES: Final = (
    MediaType("image/png", ".png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    MediaType("image/jpeg", ".jpg", re.compile(rb"\xff\xd8\xff")),
    MediaType("image/gif", ".gif", re.compile(rb"GIF8[79]a")),
    MediaType("image/webp", ".webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    MediaType("audio/wav", ".wav", re.compile(rb"RIFF....WAVE", re.DOTALL)),
    MediaType("video/quicktime", ".mov", re.compile(rb"....ftypqt  ", re.DOTALL)),
    MediaType("video/mp4", ".mp4", re.compile(rb"....ftyp", re.DOTALL)),
    MediaType("video/webm", ".webm", re.compile(rb"\x1a\x45\xdf\xa3")),
    # a tag, or a frame of layer III: eleven set bits, a version that exists, the layer
    MediaType("audio/mpeg", ".mp3", re.compile(rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")),
)


def media_type_of(head: bytes) -> MediaType | None:
    """What begins with these bytes; None for anything that is not on the list."""
    return next((known for known in MEDIA_TYPES if known.pattern.match(head)), None)


def named(name: str) -> MediaType | None:
    return next((known for known in MEDIA_TYPES if known.name == name), None)
