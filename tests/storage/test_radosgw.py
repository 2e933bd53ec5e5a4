"""What moto's server cannot show: it takes bytes of another md5, dates every open upload to 2010 and is never full."""

from __future__ import annotations

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from catalog.errors import BlobUnavailable, StorageFull
from catalog.storage.base import BlobStore, StoredBlob, open_store
from catalog.storage.s3_client import client_for
from tests.radosgw import Gateway

pytestmark = pytest.mark.slow

BODY = b"weights " * 1000
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def store(radosgw_url: str) -> BlobStore:
    return open_store(radosgw_url)


def put(store: BlobStore, body: bytes = BODY) -> StoredBlob:
    with store.stage(expected_size=len(body)) as staged:
        staged.write(body)
        stored = staged.finish()
        store.publish(staged)
    return stored


def test_bytes_that_changed_on_this_machine_do_not_reach_the_bucket(store: BlobStore) -> None:
    with store.stage(expected_size=len(BODY)) as staged:
        staged.write(BODY)
        staged.finish()
        staged.file.seek(100)
        staged.file.write(b"rot")
        with pytest.raises(BlobUnavailable):
            store.publish(staged)

    assert store.size(SHA256) is None


def test_an_upload_that_was_killed_between_its_parts_is_swept(store: BlobStore, radosgw_url: str) -> None:
    bucket = urlsplit(radosgw_url)
    client = client_for(parse_qs(bucket.query)["endpoint"][0], None)
    where = {"Bucket": bucket.netloc, "Key": f"{bucket.path.strip('/')}/blobs/sha256/{SHA256}"}
    upload = client.create_multipart_upload(**where)["UploadId"]
    client.upload_part(**where, UploadId=upload, PartNumber=1, Body=BODY)

    assert store.sweep(before=time.time() - 3600) == 0
    assert store.sweep(before=time.time() + 60) == 1

    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket.netloc)
    client.close()


def test_a_bucket_is_walked_to_its_end(store: BlobStore) -> None:
    """S3 lists a thousand objects at a time."""
    with ThreadPoolExecutor(8) as pool:
        written = {stored.sha256 for stored in pool.map(lambda number: put(store, b"%d" % number), range(1003))}

    assert len(written) == 1003
    assert {file.sha256 for file in store.walk()} == written


def test_a_full_bucket_is_said_to_be_full(store: BlobStore, radosgw_url: str, radosgw: Gateway) -> None:
    put(store)
    radosgw.limit_bucket(urlsplit(radosgw_url).netloc, 100_000)

    with pytest.raises(StorageFull):
        put(store, os.urandom(200_000))

    assert store.size(SHA256) == len(BODY)
