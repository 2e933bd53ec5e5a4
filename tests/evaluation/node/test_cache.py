"""The node's cache: verified, resumed, bounded, and never more than the disk can hold."""

import contextlib
import hashlib

import pytest

from evaluation.node import cache as caching
from evaluation.node.cache import Cache, Fetch
from evaluation.node.client import Hub, RemoteFile, _file
from evaluation.node.errors import HubRefused, HubUnavailable, LeaseLost, RunFailed, RunStopped
from tests.evaluation.node.hub import TOKEN, HubServer, Run


@pytest.fixture
def files(tmp_path):
    """Three files of 300 kB that differ."""
    found = {}
    for name in ("a.bin", "b.bin", "c.bin"):
        found[name] = tmp_path / name
        found[name].write_bytes(hashlib.sha256(name.encode()).digest() * 10_000)
    return found


@pytest.fixture
def order(hub, files):
    """A claimed run whose model is these files."""
    hub.queue(Run(run_id=1, spec={}, model=files, inputs={}))
    client = Hub(hub.url, TOKEN)
    yield client, client.claim(wait_seconds=0)
    client.close()


def make(tmp_path, limit=10**9):
    return Cache(tmp_path / "cache", limit_bytes=limit)


def test_files_arrive_as_they_are_and_are_fetched_once(hub, order, files, tmp_path):
    client, run = order
    cache = make(tmp_path)
    seen = []

    found = cache.require(Fetch(client, run, done=seen.append), run.model)
    again = cache.require(Fetch(client, run), run.model)

    assert {name: path.read_bytes() for name, path in found.items()} == {
        name: path.read_bytes() for name, path in files.items()
    }
    assert again == found
    assert all(offsets == [0] for offsets in hub.downloads.values())
    assert seen == sorted(seen)
    assert seen[-1] == 960_000


def test_a_broken_download_goes_on_where_it_stopped(hub, order, tmp_path):
    client, run = order
    hub.cut_after["a.bin"] = 131_072

    make(tmp_path).require(Fetch(client, run), run.model)

    assert hub.downloads["a.bin"] == [0, 131_072]


def test_a_fetch_of_an_earlier_process_goes_on(hub, order, files, tmp_path):
    client, run = order
    cache = make(tmp_path)
    (cache.partial / run.model[0].sha256).write_bytes(files["a.bin"].read_bytes()[:1000])

    cache.require(Fetch(client, run), run.model)

    assert hub.downloads["a.bin"] == [1000]


def test_bytes_that_are_not_those_promised_are_fetched_again(hub, order, tmp_path):
    client, run = order
    hub.corrupt.add("b.bin")

    make(tmp_path).require(Fetch(client, run), run.model)

    assert hub.downloads["b.bin"] == [0, 0]


def test_a_hub_that_keeps_sending_other_bytes_is_given_up(hub, order, files, tmp_path):
    client, run = order
    files["b.bin"].write_bytes(bytes(320_000))

    with pytest.raises(RunFailed, match="not those that were promised") as failed:
        make(tmp_path).require(Fetch(client, run), run.model)

    assert failed.value.reason == "node_error"
    assert not (tmp_path / "cache" / "blobs" / run.model[1].sha256).exists()


def test_a_file_that_changed_on_disk_is_fetched_again(hub, order, tmp_path):
    client, run = order
    cache = make(tmp_path)
    path = cache.require(Fetch(client, run), run.model)["c.bin"]
    path.chmod(0o644)
    path.write_bytes(b"changed by a model without walls")

    found = cache.require(Fetch(client, run), run.model)

    assert hub.downloads["c.bin"] == [0, 0]
    assert hashlib.sha256(found["c.bin"].read_bytes()).hexdigest() == run.model[2].sha256


def test_what_was_used_longest_ago_goes_first(order, tmp_path):
    client, run = order
    cache = make(tmp_path, limit=700_000)
    first, second, third = run.model
    cache.require(Fetch(client, run), [first])
    cache.require(Fetch(client, run), [second])
    cache.require(Fetch(client, run), [first])

    cache.require(Fetch(client, run), [third])

    assert {path.name for path in cache.blobs.iterdir()} == {first.sha256, third.sha256}
    assert cache.size_bytes() <= 700_000


def test_a_model_larger_than_the_cache_is_refused_before_the_first_byte(hub, order, tmp_path):
    client, run = order

    with pytest.raises(RunFailed, match=r"keeps at most 0\.0 GB") as failed:
        make(tmp_path, limit=500_000).require(Fetch(client, run), run.model)

    assert failed.value.reason == "does_not_fit"
    assert hub.downloads == {}


def test_a_disk_that_is_too_full_is_noticed_before_the_first_byte(hub, order, tmp_path, monkeypatch):
    client, run = order
    monkeypatch.setattr(caching, "SPARE_BYTES", 10**18)

    with pytest.raises(RunFailed, match="too full"):
        make(tmp_path).require(Fetch(client, run), run.model)

    assert hub.downloads == {}


def test_a_stopped_fetch_keeps_what_it_has(order, tmp_path):
    client, run = order
    cache = make(tmp_path)

    with pytest.raises(RunStopped):
        cache.require(Fetch(client, run, stopped=lambda: True), run.model)

    assert len(list(cache.partial.iterdir())) == 1
    assert list(cache.blobs.iterdir()) == []


def test_refusals_of_the_hub_have_their_own_errors(hub, order):
    client, run = order
    with contextlib.closing(Hub(hub.url, "forged")) as stranger, pytest.raises(HubRefused, match="401"):
        stranger.claim(wait_seconds=0)
    hub.runs[1].lease_lost = True
    with pytest.raises(LeaseLost):
        client.heartbeat(run, {"phase": "running"})
    hub.away = True
    with pytest.raises(HubUnavailable, match="503"):
        client.complete(run, converted={})


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../b", "a//b", "", "."])
def test_a_file_with_an_unsafe_path_is_not_taken(path):
    with pytest.raises(ValueError, match="unsafe path"):
        _file({"path": path, "size": 1, "sha256": "0" * 64, "url": "/x"})


def test_secrets_do_not_follow_a_link_to_another_host(hub, order, files):
    client, run = order
    other = HubServer()
    other.queue(Run(run_id=1, spec={}, model=files, inputs={}, state="claimed"))
    file = RemoteFile(path="a.bin", size=1, sha256="0" * 64, url=f"{other.url}/node_api/runs/1/files/a.bin")

    with pytest.raises(HubRefused, match="401"), client.fetch(run, file):
        pass

    headers = {name.lower(): value for name, value in other.requests[0][2].items()}
    assert "authorization" not in headers
    assert "x-run-lease" not in headers
    other.shutdown()
    other.server_close()
