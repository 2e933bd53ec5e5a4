"""The places for bytes that tests use; loaded as a plugin, so that each S3 server starts once a session.

An S3 server is a process of its own that real boto3 reaches over HTTP: moto's by default; in the slow tests Ceph's
radosgw too, over TLS as in production.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import boto3
import pytest

from catalog import stores
from catalog.storage.base import BlobStore
from tests.radosgw import Cluster, Gateway

BUCKETS = ("s3", pytest.param("radosgw", marks=pytest.mark.slow))
STORES = ("local", *BUCKETS)
S3_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=output, stderr=output
        )
    try:
        _wait_until_open(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def _wait_until_open(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the S3 server did not start")


@pytest.fixture
def local_url(tmp_path: Path) -> str:
    return f"file://{quote(str(tmp_path / 'store'))}"


@pytest.fixture(scope="session")
def radosgw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    keys = {"access_key": S3_KEYS["AWS_ACCESS_KEY_ID"], "secret_key": S3_KEYS["AWS_SECRET_ACCESS_KEY"]}
    with Cluster.started(tmp_path_factory.mktemp("radosgw"), **keys) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def radosgw_endpoint(radosgw: Gateway) -> str:
    return radosgw.endpoint


@pytest.fixture
def s3_url(s3_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return _own_bucket(s3_endpoint, tmp_path, monkeypatch)


@pytest.fixture
def radosgw_url(radosgw: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(radosgw.trusted))
    return _own_bucket(radosgw.tls_endpoint, tmp_path, monkeypatch)


@pytest.fixture(params=BUCKETS)
def bucket_url(request: pytest.FixtureRequest) -> str:
    """For what only a bucket can do: an empty one of each S3 server."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def make_bucket(endpoint: str, name: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=S3_KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=S3_KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket=name)
    client.close()


def _own_bucket(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in S3_KEYS.items():
        monkeypatch.setenv(name, value)
    bucket = f"b{abs(hash(tmp_path)):x}"
    make_bucket(endpoint, bucket)
    return f"s3://{bucket}/some/prefix?endpoint={quote(endpoint, safe='')}"


@pytest.fixture
def other_store(request: pytest.FixtureRequest, settings) -> Iterator[BlobStore]:
    """The site's store for one test: empty, and of the kind the test is parametrized with (indirectly)."""
    settings.STORAGE_URL = request.getfixturevalue(f"{request.param}_url")
    stores.blob_store.cache_clear()
    yield stores.blob_store()
    stores.blob_store.cache_clear()
