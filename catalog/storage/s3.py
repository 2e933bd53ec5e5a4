"""Blobs as objects of a bucket: `<prefix>/blobs/sha256/aa/bb/<hex>`, for any server that speaks S3.

Bytes are spooled to a local temporary file first, because the name is known only at their end. A single PUT
carries its sha256 and md5, and the server refuses other bytes: AWS checks both, Ceph 16 only the md5. A multipart
upload has only the checksums of its parts, so it is read back.
"""

from __future__ import annotations

import base64
import hashlib
import io
import time
from collections.abc import Iterator
from functools import partial
from typing import IO, TYPE_CHECKING, BinaryIO, Final, cast
from urllib.parse import parse_qs, quote, urlsplit

from botocore.exceptions import ClientError
from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable
from catalog.storage.base import (
    StagedBlob,
    StoredBlob,
    StoredFile,
    came_before,
    checked_key,
    checked_sha256,
    is_sha256,
    newest_trash,
    trash_name,
)
from catalog.storage.s3_client import client_for, code_of, told_apart
from catalog.storage.s3_staging import READ_BYTES, S3StagedBlob, S3StagedFile

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef

SINGLE_PUT_BYTES: Final = 64 * 1024**2
PART_BYTES: Final = 16 * 1024**2  # in memory while it is sent
_MOST_PARTS: Final = 10_000
_MISSING: Final = {"404", "NoSuchKey", "NotFound"}
_EXISTS: Final = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}


class S3Store:
    """A bucket, or a prefix of one."""

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        prefix: str,
        *,
        signing_client: S3Client,
        part_bytes: int = SINGLE_PUT_BYTES,
    ) -> None:
        self._client = client
        self._signing_client = signing_client  # its endpoint is the one that browsers reach
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def stage(self, *, expected_size: int | None) -> S3StagedBlob:
        return S3StagedBlob(expected_size)

    def publish(self, staged: StagedBlob, *, replace: bool = False) -> None:
        if not isinstance(staged, S3StagedBlob) or staged.stored is None or staged.file.closed:
            raise BlobUnavailable(_("Only a finished upload of this store can be published."))
        stored = staged.stored
        held = self.size(stored.sha256)
        if held == stored.size and not replace:
            return
        with told_apart():
            if stored.size <= SINGLE_PUT_BYTES:
                self._put_whole(staged.file, stored, replace=replace or held is not None)
            else:
                self._put_in_parts(staged.file, stored, replace=replace or held is not None)

    def open(self, sha256: str) -> BinaryIO:
        size = self.size(sha256)
        if size is None:
            raise BlobUnavailable(_("The stored bytes are missing."))
        return cast("BinaryIO", io.BufferedReader(_ObjectReader(self, self._key(sha256), size), READ_BYTES))

    def read_range(self, sha256: str, offset: int, length: int) -> bytes:
        return self.read_key(self._key(sha256), offset, length)

    def size(self, sha256: str) -> int | None:
        return self._size_of_key(self._key(sha256))

    def local_path(self, sha256: str) -> Path | None:
        checked_sha256(sha256)
        return None

    def signed_url(self, sha256: str, *, filename: str, content_type: str, expires_seconds: int) -> str:
        name = "".join(char for char in filename if char.isprintable() and char not in '"\\')
        disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        return self._signing_client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": self._key(sha256),
                "ResponseContentDisposition": disposition,
                "ResponseContentType": content_type,
            },
            ExpiresIn=expires_seconds,
        )

    def remove(self, sha256: str, *, at: float) -> None:
        key = self._key(sha256)
        if self._size_of_key(key) is not None:
            self._move(key, f"{self._prefix}trash/{trash_name(sha256, at)}")

    def recover(self, sha256: str, *, before: float) -> bool:
        key = self._key(sha256)
        thrown = newest_trash((found.rpartition("/")[2] for found, _, _ in self._list("trash/")), sha256, before)
        if thrown is None or self._size_of_key(key) is not None:
            return False
        self._move(f"{self._prefix}trash/{thrown}", key)
        return True

    def headroom_bytes(self) -> int | None:
        return None

    def probe(self) -> None:
        key = f"{self._prefix}incoming/probe-{time.time_ns():x}"
        with told_apart():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=b"probe")
            returned = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            self._client.delete_object(Bucket=self._bucket, Key=key)
        if returned != b"probe":
            raise BlobUnavailable(_("The bucket does not return what was written to it."))

    def walk(self) -> Iterator[StoredFile]:
        for key, size, written in self._list("blobs/sha256/"):
            name = key.rpartition("/")[2]
            if is_sha256(name):
                yield StoredFile(name, size, written)

    def sweep(self, *, before: float) -> int:
        return self._sweep("incoming/", before) + self._abort_uploads(before)

    def sweep_staged(self, *, before: float) -> int:
        return self._sweep("staged/", before)

    def empty_trash(self, *, before: float) -> int:
        left = [key for key, _, _ in self._list("trash/") if came_before(key.rpartition("/")[2], before)]
        for key in left:
            self._delete(key)
        return len(left)

    def open_staged(self, key: str) -> S3StagedFile:
        return S3StagedFile(self._client, self._bucket, self._staged_key(key))

    def read_staged(self, key: str, offset: int, length: int) -> bytes:
        return self.read_key(self._staged_key(key), offset, length)

    def has_staged(self, key: str) -> bool:
        return self._size_of_key(self._staged_key(key)) is not None

    def drop_staged(self, key: str) -> None:
        self._delete(self._staged_key(key))

    def read_key(self, key: str, offset: int, length: int) -> bytes:
        if length <= 0:
            return b""
        with told_apart():
            try:
                wanted = f"bytes={offset}-{offset + length - 1}"
                return self._client.get_object(Bucket=self._bucket, Key=key, Range=wanted)["Body"].read()
            except ClientError as error:
                if code_of(error) == "InvalidRange":  # nothing there: past the end
                    return b""
                raise

    def _key(self, sha256: str) -> str:
        checked_sha256(sha256)
        return f"{self._prefix}blobs/sha256/{sha256[:2]}/{sha256[2:4]}/{sha256}"

    def _staged_key(self, key: str) -> str:
        return f"{self._prefix}staged/{checked_key(key)}"

    def _size_of_key(self, key: str) -> int | None:
        with told_apart():
            try:
                return self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
            except ClientError as error:
                if code_of(error) in _MISSING:
                    return None
                raise

    def _list(self, folder: str) -> Iterator[tuple[str, int, float]]:
        """Key, size and time of writing of each object in a folder."""
        with told_apart():
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}{folder}"):
                for found in page.get("Contents", []):
                    yield found["Key"], found["Size"], found["LastModified"].timestamp()

    def _move(self, key: str, to: str) -> None:
        with told_apart():
            # Copying is the only way to rename, and the managed copy works for objects above 5 GB too.
            source: CopySourceTypeDef = {"Bucket": self._bucket, "Key": key}
            self._client.copy(source, self._bucket, to)
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _abort_uploads(self, before: float) -> int:
        """Parts of uploads that were killed halfway take room that no listing of objects shows."""
        aborted = 0
        with told_apart():
            pages = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for upload in page.get("Uploads", []):
                    if upload["Initiated"].timestamp() < before:
                        self._client.abort_multipart_upload(
                            Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                        )
                        aborted += 1
        return aborted

    def _sweep(self, folder: str, before: float) -> int:
        left = [key for key, _, written in self._list(folder) if written < before]
        for key in left:
            self._delete(key)
        return len(left)

    def _delete(self, key: str) -> None:
        with told_apart():
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _put_whole(self, file: IO[bytes], stored: StoredBlob, *, replace: bool) -> None:
        file.seek(0)
        send = partial(
            self._client.put_object,
            Bucket=self._bucket,
            Key=self._key(stored.sha256),
            Body=file,
            ContentLength=stored.size,
            ChecksumSHA256=_base64(stored.sha256),
            ContentMD5=_base64(stored.md5),
        )
        if replace:
            send()
            return
        try:
            send(IfNoneMatch="*")
        except ClientError as error:
            if code_of(error) not in _EXISTS:
                raise

    def _put_in_parts(self, file: IO[bytes], stored: StoredBlob, *, replace: bool) -> None:
        final = self._key(stored.sha256)
        # What stands under the name may be good: it is replaced by verified bytes only.
        key = f"{self._prefix}incoming/{stored.sha256}-{time.time_ns():x}" if replace else final
        upload = self._client.create_multipart_upload(Bucket=self._bucket, Key=key)["UploadId"]
        try:
            parts = self._send_parts(file, key, upload, max(PART_BYTES, -(-stored.size // _MOST_PARTS)))
            self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload)
            raise
        if self._sha256_of_key(key) != stored.sha256:
            self._delete(key)
            raise BlobUnavailable(_("The bucket does not return what was written to it."))
        if key != final:
            self._move(key, final)

    def _send_parts(self, file: IO[bytes], key: str, upload: str, part_bytes: int) -> list[CompletedPartTypeDef]:
        file.seek(0)
        parts: list[CompletedPartTypeDef] = []
        while body := file.read(part_bytes):
            number = len(parts) + 1
            sent = self._client.upload_part(Bucket=self._bucket, Key=key, UploadId=upload, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        return parts

    def _sha256_of_key(self, key: str) -> str:
        digest = hashlib.sha256()
        for data in self._client.get_object(Bucket=self._bucket, Key=key)["Body"].iter_chunks(READ_BYTES):
            digest.update(data)
        return digest.hexdigest()


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


class _ObjectReader(io.RawIOBase):
    """A seekable view of one object, one ranged request per read; wrap it in a buffer."""

    def __init__(self, store: S3Store, key: str, size: int) -> None:
        self._store, self._key, self._size, self._at = store, key, size, 0

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
        data = self._store.read_key(self._key, self._at, min(len(view), self._size - self._at))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


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
    return S3Store(client, parts.netloc, parts.path, signing_client=signing)
