"""Bytes on their way into a bucket: nameless temporary files on this machine until they are whole."""

from __future__ import annotations

import io
import tempfile
from types import TracebackType
from typing import IO, TYPE_CHECKING, Final, Self

from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable, StorageFull
from catalog.storage.base import Bytes, StoredBlob
from catalog.storage.digests import Digests
from catalog.storage.s3_client import told_apart
from catalog.storage.staging import Staged

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

READ_BYTES: Final = 1024 * 1024


class S3StagedBlob(Staged):
    """A nameless temporary file on this machine."""

    def __init__(self, expected_size: int | None, file: IO[bytes] | None = None) -> None:
        self.file = file or tempfile.TemporaryFile(prefix="incoming-")  # noqa: SIM115  this object closes it
        self._digests = Digests(expected_size)

    def write(self, data: Bytes) -> None:
        if self.stored is not None or self.file.closed:
            raise BlobUnavailable(_("The upload is closed."))
        view = memoryview(data).cast("B")
        with self._digests.along(view):
            try:
                self.file.write(view)
            except OSError as error:
                raise StorageFull(_("The disk for incoming bytes is full.")) from error

    def finish(self) -> StoredBlob:
        if self.file.closed:
            raise BlobUnavailable(_("The upload is closed."))
        try:
            self.file.flush()
            self.file.seek(0)
            self.stored = self._digests.finish(iter(lambda: self.file.read(READ_BYTES), b""))
        except BaseException:
            self.discard()
            raise
        return self.stored

    def discard(self) -> None:
        self._digests.close()
        self.file.close()


def staged_in_memory(content: bytes) -> S3StagedBlob:
    """A small content that is here already: many of them must not need many open files."""
    staged = S3StagedBlob(len(content), io.BytesIO())
    staged.write(content)
    staged.finish()
    return staged


class S3StagedFile:
    """A nameless temporary file on this machine, sent when it is kept."""

    def __init__(self, client: S3Client, bucket: str, key: str) -> None:
        self._client, self._bucket, self._key = client, bucket, key
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="staged-")  # noqa: SIM115  this object closes it

    def write(self, data: Bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise StorageFull(_("The disk for incoming bytes is full.")) from error

    def keep(self) -> None:
        self._file.seek(0)
        with told_apart():
            self._client.put_object(Bucket=self._bucket, Key=self._key, Body=self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
