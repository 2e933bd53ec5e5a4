"""The client of an object storage, and what its refusals mean to us."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable, StorageFull

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def client_for(endpoint: str | None, region: str | None) -> S3Client:
    """Returns a client; no endpoint means AWS."""
    config = Config(
        signature_version="s3v4",
        connect_timeout=5,  # seconds
        read_timeout=60,  # seconds
        retries={"max_attempts": 4, "mode": "standard"},
        s3={"addressing_style": "path" if endpoint else "auto"},
        # By default boto3 sends bodies over TLS in chunks with a CRC behind them, which Ceph answers with 411. Asked
        # not to, it signs the sha256 of a body, which every server checks.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client("s3", endpoint_url=endpoint, region_name=region or "us-east-1", config=config)


def code_of(error: ClientError) -> str:
    """The name S3 gives to an error, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextlib.contextmanager
def told_apart() -> Iterator[None]:
    """A full bucket is the sender's news, everything else the operator's."""
    try:
        yield
    except ClientError as error:
        if code_of(error) in {"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage"}:
            raise StorageFull(_("The bucket is full.")) from error
        raise BlobUnavailable(_("The object storage refused or lost the bytes.")) from error
    except BotoCoreError as error:
        raise BlobUnavailable(_("The object storage cannot be reached.")) from error
