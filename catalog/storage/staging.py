"""What staged bytes have in common, wherever they wait."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable
from catalog.storage.base import StoredBlob


class Staged(ABC):
    """Bytes that have no name in the store yet; whatever is not published by the end of the block is dropped."""

    stored: StoredBlob | None = None  # set when all bytes are here

    @property
    def names(self) -> StoredBlob:
        """Raises `BlobUnavailable` before the end of the bytes."""
        if self.stored is None:
            raise BlobUnavailable(_("Only a finished upload of this store can be published."))
        return self.stored

    @abstractmethod
    def discard(self) -> None:
        """Forget the bytes; harmless when done twice, and after publishing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()
