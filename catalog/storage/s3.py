"""Blobs as objects of a bucket: `<prefix>/blobs/sha256/aa/bb/<hex>`, for any server that speaks S3.

Bytes are spooled to a local temporary file first, because the name is known only at their end. A single PUT
carries its sha256 and md5, and the server refuses other bytes: AWS checks both, Ceph 16 only the md5. A multipart
upload has only the checksums of its parts, so it is read back.
"""

from __future__ import annotations

import io
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO, Final, cast
from urllib.parse import parse_qs, quote, urlsplit

from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable
from catalog.storage.base import (
    StagedBlob,
    StoredFile,
    came_before,
    checked_key,
    checked_sha256,
    is_sha256,
    newest_trash,
    trash_name,
)
from catalog.storage.s3_bucket import READ_BYTES, Bucket, ObjectReader
from catalog.storage.s3_client import client_for, told_apart
from catalog.storage.s3_sending import put
from catalog.storage.s3_staging import S3StagedBlob, S3StagedFile, staged_in_memory
from catalog.storage.scattered import Part, span, take_parts

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

PARALLEL_PUTS: Final = 8


class S3Store:
    """A bucket, or a prefix of one."""

    def __init__(self, bucket: Bucket, *, signing_client: S3Client) -> None:
        self.bucket = bucket
        self._signing_client = signing_client  # its endpoint is the one that browsers reach

    def stage(self, *, expected_size: int | None) -> S3StagedBlob:
        return S3StagedBlob(expected_size)

    def stage_all(self, contents: Sequence[bytes]) -> list[StagedBlob]:
        return [staged_in_memory(content) for content in contents]

    def publish(self, staged: StagedBlob, *, replace: bool = False) -> None:
        if not isinstance(staged, S3StagedBlob) or staged.stored is None or staged.file.closed:
            raise BlobUnavailable(_("Only a finished upload of this store can be published."))
        held = self.size(staged.names.sha256)
        if held != staged.names.size or replace:
            key = self._key(staged.names.sha256)
            put(self.bucket, key, staged.file, staged.names, replace=replace or held is not None)

    def publish_all(self, staged: Sequence[StagedBlob], *, replace: Collection[str] = ()) -> None:
        with ThreadPoolExecutor(PARALLEL_PUTS, thread_name_prefix="put") as pool:
            list(pool.map(lambda one: self.publish(one, replace=one.names.sha256 in replace), staged))

    def open(self, sha256: str) -> BinaryIO:
        size = self.size(sha256)
        if size is None:
            raise BlobUnavailable(_("The stored bytes are missing."))
        return cast("BinaryIO", io.BufferedReader(ObjectReader(self.bucket, self._key(sha256), size), READ_BYTES))

    def read_range(self, sha256: str, offset: int, length: int) -> bytes:
        return self.bucket.read(self._key(sha256), offset, length)

    def size(self, sha256: str) -> int | None:
        return self.bucket.size(self._key(sha256))

    def local_path(self, sha256: str) -> Path | None:
        checked_sha256(sha256)
        return None

    def signed_url(self, sha256: str, *, filename: str, content_type: str, expires_seconds: int) -> str:
        name = "".join(char for char in filename if char.isprintable() and char not in '"\\')
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        return self._signing_client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self.bucket.name,
                "Key": self._key(sha256),
                "ResponseContentDisposition": disposition,
                "ResponseContentType": content_type,
            },
            ExpiresIn=expires_seconds,
        )

    def remove(self, sha256: str, *, at: float) -> None:
        key = self._key(sha256)
        if self.bucket.size(key) is not None:
            self.bucket.move(key, f"{self.bucket.prefix}trash/{trash_name(sha256, at)}")

    def recover(self, sha256: str, *, before: float) -> bool:
        key = self._key(sha256)
        thrown = newest_trash((found.rpartition("/")[2] for found, _, _ in self.bucket.list("trash/")), sha256, before)
        if thrown is None or self.bucket.size(key) is not None:
            return False
        self.bucket.move(f"{self.bucket.prefix}trash/{thrown}", key)
        return True

    def headroom_bytes(self) -> int | None:
        return None

    def probe(self) -> None:
        key = f"{self.bucket.prefix}incoming/probe-{time.time_ns():x}"
        with told_apart():
            self.bucket.client.put_object(Bucket=self.bucket.name, Key=key, Body=b"probe")
            returned = self.bucket.client.get_object(Bucket=self.bucket.name, Key=key)["Body"].read()
            self.bucket.client.delete_object(Bucket=self.bucket.name, Key=key)
        if returned != b"probe":
            raise BlobUnavailable(_("The bucket does not return what was written to it."))

    def walk(self) -> Iterator[StoredFile]:
        for key, size, written in self.bucket.list("blobs/sha256/"):
            name = key.rpartition("/")[2]
            if is_sha256(name):
                yield StoredFile(name, size, written)

    def sweep(self, *, before: float) -> int:
        return self.bucket.sweep("incoming/", before=before) + self.bucket.abort_uploads(before=before)

    def sweep_staged(self, *, before: float) -> int:
        return self.bucket.sweep("staged/", before=before)

    def empty_trash(self, *, before: float) -> int:
        left = [key for key, _, _ in self.bucket.list("trash/") if came_before(key.rpartition("/")[2], before)]
        for key in left:
            self.bucket.delete(key)
        return len(left)

    def open_staged(self, key: str) -> S3StagedFile:
        return S3StagedFile(self.bucket.client, self.bucket.name, self._staged_key(key))

    def read_staged(self, key: str, offset: int, length: int) -> bytes:
        return self.bucket.read(self._staged_key(key), offset, length)

    def read_staged_parts(self, key: str, parts: Sequence[Part]) -> bytes:
        return take_parts(self.read_staged(key, *span(parts)), parts)

    def has_staged(self, key: str) -> bool:
        return self.bucket.size(self._staged_key(key)) is not None

    def drop_staged(self, key: str) -> None:
        self.bucket.delete(self._staged_key(key))

    def _key(self, sha256: str) -> str:
        checked_sha256(sha256)
        return f"{self.bucket.prefix}blobs/sha256/{sha256[:2]}/{sha256[2:4]}/{sha256}"

    def _staged_key(self, key: str) -> str:
        return f"{self.bucket.prefix}staged/{checked_key(key)}"


def open_s3_store(url: str) -> S3Store:
    """`s3://bucket/prefix`, with `?endpoint=` (other than AWS), `&region=` and `&public_endpoint=` (for signed URLs).

    Keys come from where boto3 looks for them, first from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    """
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := options.keys() - {"endpoint", "region", "public_endpoint"}:
        raise ValueError(f"STORAGE_URL has unknown options: {', '.join(sorted(unknown))}")
    client = client_for(options.get("endpoint"), options.get("region"))
    public = options.get("public_endpoint")
    signing = client_for(public, options.get("region")) if public else client
    prefix = parts.path.strip("/")
    return S3Store(Bucket(client, parts.netloc, f"{prefix}/" if prefix else ""), signing_client=signing)
