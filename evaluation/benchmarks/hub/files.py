"""The files of one commit of a dataset, as a reader needs them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

CARD = "README.md"
LONGEST_CARD = 1024 * 1024  # bytes


@dataclass(frozen=True)
class DataFile:
    """One file: LFS files are the real bytes. The stream is seekable."""

    path: str
    size: int
    open: Callable[[], BinaryIO]


@dataclass(frozen=True)
class DatasetFiles:
    """What one commit holds, by path."""

    repo: str  # its name here
    revision: str  # 40 hex digits
    files: Mapping[str, DataFile]

    @property
    def name(self) -> str:
        """As sentences say it."""
        return f"{self.repo}@{self.revision[:7]}"

    @property
    def card(self) -> str:
        """The text of README.md; "" where there is none, or one too long to be read."""
        file = self.files.get(CARD)
        if file is None or file.size > LONGEST_CARD:
            return ""
        with file.open() as stream:
            return stream.read().decode("utf-8", "replace")
