"""Bytes go to a bucket: small ones in one request, whose hashes the server checks, large ones in parts, read back."""

from __future__ import annotations

import base64
import time
from functools import partial
from typing import IO, TYPE_CHECKING, Final

from botocore.exceptions import ClientError
from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable
from catalog.storage.base import StoredBlob
from catalog.storage.s3_bucket import Bucket
from catalog.storage.s3_client import code_of, told_apart

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

SINGLE_PUT_BYTES: Final = 64 * 1024**2
PART_BYTES: Final = 16 * 1024**2  # in memory while it is sent
_MOST_PARTS: Final = 10_000
_EXISTS: Final = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}


def put(bucket: Bucket, key: str, file: IO[bytes], stored: StoredBlob, *, replace: bool) -> None:
    """Give a content its key.

    Args:
        replace: whether the key may be in use; what stands there gives way to verified bytes only.
    """
    with told_apart():
        if stored.size <= SINGLE_PUT_BYTES:
            _put_whole(bucket, key, file, stored, replace=replace)
        else:
            _put_in_parts(bucket, key, file, stored, replace=replace)


def _put_whole(bucket: Bucket, key: str, file: IO[bytes], stored: StoredBlob, *, replace: bool) -> None:
    file.seek(0)
    send = partial(
        bucket.client.put_object,
        Bucket=bucket.name,
        Key=key,
        Body=file,
        ContentLength=stored.size,
        ChecksumSHA256=_base64(stored.sha256),
        ContentMD5=_base64(stored.md5),  # Ceph 16 checks this one alone
    )
    if replace:
        send()
        return
    try:
        send(IfNoneMatch="*")
    except ClientError as error:
        if code_of(error) not in _EXISTS:
            raise


def _put_in_parts(bucket: Bucket, final: str, file: IO[bytes], stored: StoredBlob, *, replace: bool) -> None:
    key = f"{bucket.prefix}incoming/{stored.sha256}-{time.time_ns():x}" if replace else final
    upload = bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
    try:
        parts = _send_parts(bucket, file, key, upload, max(PART_BYTES, -(-stored.size // _MOST_PARTS)))
        bucket.client.complete_multipart_upload(
            Bucket=bucket.name, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
        )
    except BaseException:
        bucket.client.abort_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload)
        raise
    if bucket.sha256(key) != stored.sha256:
        bucket.delete(key)
        raise BlobUnavailable(_("The bucket does not return what was written to it."))
    if key != final:
        bucket.move(key, final)


def _send_parts(bucket: Bucket, file: IO[bytes], key: str, upload: str, part_bytes: int) -> list[CompletedPartTypeDef]:
    file.seek(0)
    parts: list[CompletedPartTypeDef] = []
    while body := file.read(part_bytes):
        number = len(parts) + 1
        sent = bucket.client.upload_part(Bucket=bucket.name, Key=key, UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": sent["ETag"]})
    return parts


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()
