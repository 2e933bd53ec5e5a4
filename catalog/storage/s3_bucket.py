"""One bucket, or a prefix of one: objects by key, whatever the keys mean."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from botocore.exceptions import ClientError

from catalog.storage.s3_client import code_of, told_apart

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

READ_BYTES: Final = 1024 * 1024
_MISSING: Final = {"404", "NoSuchKey", "NotFound"}


@dataclass(frozen=True)
class Bucket:
    """Every key begins with the prefix; "" or one that ends in a slash."""

    client: S3Client
    name: str
    prefix: str

    def size(self, key: str) -> int | None:
        """Bytes under this key, None when there is none."""
        with told_apart():
            try:
                return self.client.head_object(Bucket=self.name, Key=key)["ContentLength"]
            except ClientError as error:
                if code_of(error) in _MISSING:
                    return None
                raise

    def read(self, key: str, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`; fewer only at the end."""
        if length <= 0:
            return b""
        with told_apart():
            try:
                wanted = f"bytes={offset}-{offset + length - 1}"
                return self.client.get_object(Bucket=self.name, Key=key, Range=wanted)["Body"].read()
            except ClientError as error:
                if code_of(error) == "InvalidRange":  # nothing there: past the end
                    return b""
                raise

    def sha256(self, key: str) -> str:
        """Of what the bucket returns, read to its end."""
        digest = hashlib.sha256()
        for data in self.client.get_object(Bucket=self.name, Key=key)["Body"].iter_chunks(READ_BYTES):
            digest.update(data)
        return digest.hexdigest()

    def list(self, folder: str) -> Iterator[tuple[str, int, float]]:
        """Key, size and time of writing of each object in a folder."""
        with told_apart():
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.name, Prefix=f"{self.prefix}{folder}"):
                for found in page.get("Contents", []):
                    yield found["Key"], found["Size"], found["LastModified"].timestamp()

    def move(self, key: str, to: str) -> None:
        with told_apart():
            # Copying is the only way to rename, and the managed copy works for objects above 5 GB too.
            source: CopySourceTypeDef = {"Bucket": self.name, "Key": key}
            self.client.copy(source, self.name, to)
            self.client.delete_object(Bucket=self.name, Key=key)

    def delete(self, key: str) -> None:
        """Harmless when it is gone."""
        with told_apart():
            self.client.delete_object(Bucket=self.name, Key=key)

    def sweep(self, folder: str, *, before: float) -> int:
        """Delete what was written to a folder before that time; how many objects."""
        left = [key for key, _, written in self.list(folder) if written < before]
        for key in left:
            self.delete(key)
        return len(left)

    def abort_uploads(self, *, before: float) -> int:
        """Parts of uploads that were killed halfway take room that no listing of objects shows."""
        aborted = 0
        with told_apart():
            pages = self.client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.name, Prefix=self.prefix):
                for upload in page.get("Uploads", []):
                    if upload["Initiated"].timestamp() < before:
                        self.client.abort_multipart_upload(
                            Bucket=self.name, Key=upload["Key"], UploadId=upload["UploadId"]
                        )
                        aborted += 1
        return aborted


class ObjectReader(io.RawIOBase):
    """A seekable view of one object, one ranged request per read; wrap it in a buffer."""

    def __init__(self, bucket: Bucket, key: str, size: int) -> None:
        self._bucket, self._key, self._size, self._at = bucket, key, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        data = self._bucket.read(self._key, self._at, min(len(view), self._size - self._at))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
