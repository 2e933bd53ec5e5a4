"""What every store promises, asked of each of them."""

from __future__ import annotations

import hashlib
import io
import os
import ssl
import subprocess
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from catalog.errors import BadInput, BlobUnavailable, SizeMismatch
from catalog.storage.base import BlobStore, StoredBlob, open_store
from catalog.storage.scattered import Part

BODY = b"weights " * 1000
SHA256 = hashlib.sha256(BODY).hexdigest()


def put(store: BlobStore, body: bytes = BODY, *, expected_size: int | None = None) -> StoredBlob:
    with store.stage(expected_size=expected_size) as staged:
        staged.write(body)
        stored = staged.finish()
        store.publish(staged)
    return stored


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("body", [b"", b"x", os.urandom(3_000_001)])
def test_a_content_gets_all_its_names_in_one_pass(store: BlobStore, body: bytes, announced: bool) -> None:
    with store.stage(expected_size=len(body) if announced else None) as staged:
        for start in range(0, len(body), 1_400_000):
            staged.write(memoryview(body)[start : start + 1_400_000])
        stored = staged.finish()

    git = subprocess.run(["git", "hash-object", "--stdin"], input=body, capture_output=True, check=True).stdout
    assert stored == StoredBlob(
        hashlib.sha256(body).hexdigest(), len(body), git.decode().strip(), hashlib.md5(body).hexdigest()
    )


def test_a_published_content_reads_back(store: BlobStore) -> None:
    put(store, expected_size=len(BODY))

    assert store.size(SHA256) == len(BODY)
    assert store.read_range(SHA256, 8, 7) == b"weights"
    assert store.read_range(SHA256, len(BODY) - 3, 100) == BODY[-3:]
    assert store.read_range(SHA256, len(BODY), 10) == b""
    with store.open(SHA256) as stream:
        assert stream.read(5) == BODY[:5]
        assert stream.seek(-4, io.SEEK_END) == len(BODY) - 4
        assert stream.read() == BODY[-4:]
        stream.seek(0)
        assert stream.read() == BODY
    assert [file[:2] for file in store.walk()] == [(SHA256, len(BODY))]


def test_nothing_is_seen_before_it_is_published(store: BlobStore) -> None:
    with store.stage(expected_size=None) as staged:
        staged.write(BODY)
        staged.finish()
        assert store.size(SHA256) is None

    assert store.size(SHA256) is None
    assert list(store.walk()) == []


def test_more_bytes_than_announced_are_refused_at_once(store: BlobStore) -> None:
    with store.stage(expected_size=10) as staged:
        staged.write(b"12345")
        with pytest.raises(SizeMismatch):
            staged.write(b"678901")


def test_missing_bytes_are_refused_at_the_end(store: BlobStore) -> None:
    with store.stage(expected_size=10) as staged:
        staged.write(b"12345")
        with pytest.raises(SizeMismatch):
            staged.finish()
        with pytest.raises(BlobUnavailable):
            store.publish(staged)


def test_publishing_twice_keeps_one_content(store: BlobStore) -> None:
    put(store)
    with store.stage(expected_size=len(BODY)) as staged:
        staged.write(BODY)
        staged.finish()
        store.publish(staged)
        store.publish(staged)

    assert [file[:2] for file in store.walk()] == [(SHA256, len(BODY))]
    assert store.read_range(SHA256, 0, len(BODY)) == BODY


def test_many_writers_of_one_content_leave_one_whole_content(store: BlobStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _number: put(store), range(16)))

    assert [file[:2] for file in store.walk()] == [(SHA256, len(BODY))]
    assert store.read_range(SHA256, 0, len(BODY)) == BODY
    assert store.sweep(before=time.time() + 60) == 0


@pytest.mark.parametrize("count", [1, 3, 80])
def test_many_contents_are_staged_and_published_together(store: BlobStore, count: int) -> None:
    bodies = [b"small %d" % number for number in range(count)]

    staged = store.stage_all([*bodies, bodies[0]])
    assert list(store.walk()) == []
    store.publish_all(staged)
    store.publish_all(staged[:1], replace={staged[0].names.sha256})
    for one in staged:
        one.discard()

    assert [one.names.sha256 for one in staged[:count]] == [hashlib.sha256(body).hexdigest() for body in bodies]
    assert [store.read_range(one.names.sha256, 0, 99) for one in staged] == [*bodies, bodies[0]]
    assert len(list(store.walk())) == count
    assert store.sweep(before=time.time() + 60) == 0


def test_nothing_is_published_that_was_not_finished(store: BlobStore) -> None:
    finished = store.stage_all([b"whole"])
    with store.stage(expected_size=None) as unfinished, pytest.raises(BlobUnavailable):
        store.publish_all([*finished, unfinished])
    for one in finished:
        one.discard()


def test_a_retried_transaction_can_publish_what_was_collected_meanwhile(store: BlobStore) -> None:
    with store.stage(expected_size=len(BODY)) as staged:
        staged.write(BODY)
        staged.finish()
        store.publish(staged)
        store.remove(SHA256, at=1000.0)
        store.publish(staged)

    assert store.read_range(SHA256, 0, len(BODY)) == BODY


def test_a_closed_upload_takes_no_more_bytes(store: BlobStore) -> None:
    with store.stage(expected_size=None) as staged:
        staged.write(b"x")
        staged.finish()
        with pytest.raises(BlobUnavailable):
            staged.write(b"y")
    with pytest.raises(BlobUnavailable):
        staged.finish()
    with pytest.raises(BlobUnavailable):
        store.publish(staged)


def test_a_removed_content_is_gone_and_removing_it_again_is_harmless(store: BlobStore) -> None:
    put(store)

    store.remove(SHA256, at=1000.0)
    store.remove(SHA256, at=1000.0)

    assert store.size(SHA256) is None
    assert list(store.walk()) == []
    assert store.empty_trash(before=1000.0) == 0
    assert store.empty_trash(before=1000.1) == 1


def test_a_removed_content_comes_back_from_the_trash_unless_its_name_is_in_use(store: BlobStore) -> None:
    put(store)
    store.remove(SHA256, at=1000.0)

    assert not store.recover(SHA256, before=999.0)
    assert store.recover(SHA256, before=1001.0)

    assert store.read_range(SHA256, 0, len(BODY)) == BODY
    assert not store.recover(SHA256, before=1001.0)
    store.remove(SHA256, at=1000.0)
    put(store)
    assert not store.recover(SHA256, before=1001.0)


def test_a_content_tells_when_it_was_written(store: BlobStore) -> None:
    put(store)

    (file,) = store.walk()

    assert abs(file.written_at - time.time()) < 60


def test_replacing_puts_the_new_bytes_in_place_of_any_others(store: BlobStore) -> None:
    put(store)
    with store.stage(expected_size=len(BODY)) as staged:
        staged.write(BODY)
        staged.finish()
        store.publish(staged, replace=True)

    assert store.read_range(SHA256, 0, len(BODY)) == BODY
    assert [file[:2] for file in store.walk()] == [(SHA256, len(BODY))]
    assert store.sweep(before=time.time() + 60) == 0


def test_a_missing_content_is_said_to_be_unavailable(store: BlobStore) -> None:
    assert store.size(SHA256) is None
    with pytest.raises(BlobUnavailable):
        store.open(SHA256)
    with pytest.raises(BlobUnavailable):
        store.read_range(SHA256, 0, 1)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", SHA256.upper(), SHA256[:-1], SHA256 + "\n", "a/" * 32])
def test_only_a_digest_ever_reaches_a_path(store: BlobStore, name: str) -> None:
    for call in (
        store.size,
        store.open,
        store.local_path,
        partial(store.recover, before=1.0),
        partial(store.remove, at=0.0),
    ):
        with pytest.raises(BadInput):
            call(name)


def test_staged_bytes_are_kept_read_in_ranges_and_dropped(store: BlobStore) -> None:
    key = f"xorbs/17/{SHA256}"
    assert not store.has_staged(key)

    for content in (b"first", memoryview(BODY)):
        with store.open_staged(key) as staged:
            staged.write(content[:3])
            staged.write(content[3:])
            staged.keep()
    with store.open_staged(key) as dropped:
        dropped.write(b"never kept")
    assert store.sweep_staged(before=time.time() - 60) == 0

    assert store.has_staged(key)
    assert store.read_staged(key, 8, 7) == b"weights"
    assert list(store.walk()) == []
    store.drop_staged(key)
    store.drop_staged(key)
    assert not store.has_staged(key)
    with pytest.raises(BlobUnavailable):
        store.read_staged(key, 0, 1)


@pytest.mark.parametrize("count", [1, 2, 2000])
def test_parts_of_staged_bytes_come_in_a_row(store: BlobStore, count: int) -> None:
    content = bytes(range(250)) * (count // 10 + 1)
    parts = [Part(8 + number * 11, 3 + number % 9) for number in range(count)]  # some touch, most leave a gap
    with store.open_staged("xorbs/1/x") as staged:
        staged.write(content)
        staged.keep()

    found = bytes(store.read_staged_parts("xorbs/1/x", parts))

    assert found == b"".join(content[one.offset : one.offset + one.length] for one in parts)
    for beyond in ([Part(len(content) - 2, 3)], [Part(0, 1), Part(len(content), 1)]):
        with pytest.raises(BlobUnavailable):
            store.read_staged_parts("xorbs/1/x", beyond)
    store.drop_staged("xorbs/1/x")
    with pytest.raises(BlobUnavailable):
        store.read_staged_parts("xorbs/1/x", parts)


def test_staged_bytes_that_everybody_forgot_are_swept(store: BlobStore) -> None:
    with store.open_staged("parts/1") as staged:
        staged.keep()

    assert store.sweep_staged(before=time.time() + 60) == 1
    assert not store.has_staged("parts/1")


@pytest.mark.parametrize("key", ["", "/x", "a/../b", "a//b", "a/b/c/d/e", "x.y", "a\x00"])
def test_only_plain_keys_reach_the_staged_corner(store: BlobStore, key: str) -> None:
    with pytest.raises(BadInput):
        store.open_staged(key)


def test_the_probe_leaves_nothing_behind(store: BlobStore) -> None:
    store.probe()

    assert store.sweep(before=time.time() + 60) == 0


def test_a_signed_url_serves_the_content_as_an_attachment(bucket_url: str) -> None:
    store = open_store(bucket_url)
    put(store)

    url = store.signed_url(SHA256, filename='a"b\n模型.bin', content_type="text/plain", expires_seconds=60)

    assert url is not None
    with urllib.request.urlopen(
        url, context=ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
    ) as answer:
        assert answer.read() == BODY
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''ab%E6%A8%A1%E5%9E%8B.bin"


def test_a_large_content_goes_to_s3_in_parts_and_is_read_back(bucket_url: str) -> None:
    store = open_store(bucket_url)
    piece = os.urandom(1024 * 1024)
    with store.stage(expected_size=65 * len(piece)) as staged:
        for _ in range(65):
            staged.write(piece)
        stored = staged.finish()
        store.publish(staged)
        store.publish(staged, replace=True)

    assert store.size(stored.sha256) == 65 * len(piece)
    assert store.sweep(before=time.time() + 60) == 0
    assert store.read_range(stored.sha256, 64 * len(piece), len(piece)) == piece


def test_an_unreachable_bucket_is_said_to_be_unavailable(bucket_url: str) -> None:
    store = open_store(bucket_url.replace("s3://", "s3://missing-"))

    with pytest.raises(BlobUnavailable):
        store.probe()
    with pytest.raises(BlobUnavailable):
        put(store)


@pytest.mark.parametrize("url", ["", "/srv/x", "file://host/x", "http://x/y", "s3:///x", "s3://b/p?endpiont=x"])
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="STORAGE_URL"):
        open_store(url)
