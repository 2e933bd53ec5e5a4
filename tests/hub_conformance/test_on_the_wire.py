"""What only a real server shows: raw paths, sendfile with ranges, broken connections, early answers, memory."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import random
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

BIG = random.Random(7).randbytes(1_000_000) * 8


@pytest.fixture(scope="module")
def site(gunicorn_server, people):
    """A client that signs in as ann; her repo `ann/wire` holds `big.bin`."""
    with httpx.Client(
        base_url=gunicorn_server, headers={"Authorization": f"Bearer {people['ann']}"}, timeout=60, trust_env=False
    ) as client:
        client.post("/api/repos/create", json={"name": "wire"})
        send_large_file(client, "ann/wire", "sub/big.bin", BIG)
        yield client


def send_large_file(client: httpx.Client, repo: str, path: str, content: bytes) -> None:
    oid = hashlib.sha256(content).hexdigest()
    batch = {"operation": "upload", "objects": [{"oid": oid, "size": len(content)}]}
    offered = client.post(f"/{repo}.git/info/lfs/objects/batch", json=batch).json()["objects"][0]
    assert httpx.put(offered["actions"]["upload"]["href"], content=content, trust_env=False).status_code == 200
    value = {"path": path, "algo": "sha256", "oid": oid, "size": len(content)}
    assert commit(client, repo, {"key": "lfsFile", "value": value}).status_code == 200


def commit(client: httpx.Client, repo: str, *lines: dict, parent: str | None = None) -> httpx.Response:
    header = {"key": "header", "value": {"summary": "Change", **({"parentCommit": parent} if parent else {})}}
    body = "\n".join(map(json.dumps, (header, *lines)))
    return client.post(
        f"/api/models/{repo}/commit/main", content=body, headers={"Content-Type": "application/x-ndjson"}
    )


URL = "/ann/wire/resolve/main/sub/big.bin"


def test_a_download_is_resumed_where_it_broke_off(site):
    with site.stream("GET", URL) as response:
        first = next(response.iter_bytes(1_000_000))
        etag = response.headers["ETag"]

    rest = site.get(URL, headers={"Range": f"bytes={len(first)}-", "If-Range": etag})

    assert rest.status_code == 206
    assert rest.headers["Content-Range"] == f"bytes {len(first)}-{len(BIG) - 1}/{len(BIG)}"
    assert first + rest.content == BIG


@pytest.mark.parametrize(("start", "end"), [(0, 1), (5, 4096), (7_999_990, 8_000_000), (4_000_000, 4_000_001)])
def test_ranges_sent_by_the_kernel_are_exact(site, start, end):
    part = site.get(URL, headers={"Range": f"bytes={start}-{end - 1}"})

    assert part.content == BIG[start:end]
    assert part.headers["Content-Length"] == str(end - start)


def test_one_connection_serves_heads_ranges_and_conditions_in_turn(gunicorn_server, site):
    connection = http.client.HTTPConnection(urlsplit(gunicorn_server).netloc, timeout=20)
    seen = []
    for method, headers in [
        ("HEAD", {}),
        ("GET", {"Range": "bytes=1-3"}),
        ("GET", {"Range": "bytes=9000000-"}),
        ("GET", {"If-None-Match": f'"{hashlib.sha256(BIG).hexdigest()}"'}),
        ("GET", {}),
    ]:
        connection.request(method, URL, headers=headers)
        response = connection.getresponse()
        seen.append((response.status, len(response.read())))
    connection.close()

    assert seen == [(200, 0), (206, 3), (416, 0), (304, 0), (200, len(BIG))]


def test_encoded_paths_reach_their_view_as_they_were_sent(site):
    site.post("/api/models/ann/wire/branch/feature%2Fx")

    assert site.get("/api/models/ann/wire/tree/feature%2Fx/sub").json()[0]["path"] == "sub/big.bin"
    assert site.head("/ann/wire/resolve/feature%2Fx/sub/big.bin").status_code == 200
    assert site.get("/api/models/ann/wire/tree/refs%2Fpr%2F1").headers["X-Error-Code"] == "RevisionNotFound"
    assert site.head("/ann/wire/resolve/main/sub%2Fbig.bin").status_code == 200


def test_a_refusal_reaches_a_client_that_is_still_sending(site):
    line = {"key": "file", "value": {"content": base64.b64encode(BIG).decode(), "path": "x.txt", "encoding": "base64"}}
    stale = "0123456789abcdef0123456789abcdef01234567"

    missing = commit(site, "ann/nothing", line, line)
    conflict = commit(site, "ann/wire", line, parent=stale)
    unknown = httpx.post(f"{site.base_url}/api/models/ann/wire/commit/main", content=b"x" * 3_000_000, trust_env=False)

    assert (missing.status_code, missing.headers["X-Error-Code"]) == (404, "RepoNotFound")
    assert conflict.status_code == 412
    assert unknown.status_code == 401


@pytest.mark.parametrize("path", ["/-/uploads/{id}?sig=x", "/api/models/ann/wire/commit/main"])
def test_a_connection_that_breaks_leaves_no_trace(site, gunicorn_server, people, path):
    before = site.get("/api/models/ann/wire/commits/main").json()
    host = urlsplit(gunicorn_server)
    head = f"POST {path.format(id=1)} HTTP/1.1\r\nHost: {host.netloc}\r\nAuthorization: Bearer {people['ann']}\r\n"
    header = json.dumps({"key": "header", "value": {"summary": "never"}}).encode()

    with socket.create_connection((host.hostname, host.port)) as connection:
        connection.sendall(f"{head}Content-Length: 5000000\r\n\r\n".encode() + header + b"\n" + b"x" * 100_000)
    time.sleep(0.3)

    assert site.get("/api/models/ann/wire/commits/main").json() == before
    assert site.get("/health/live").status_code == 200


def test_memory_stays_flat_while_files_come_and_go(site, hub):
    size = 120_000_000
    piece = base64.b64encode(bytes(3 * 1024 * 256))
    before = memory_bytes(hub)

    def body():
        yield json.dumps({"key": "header", "value": {"summary": "Large"}}).encode() + b"\n"
        yield b'{"key": "file", "value": {"content": "'
        for _ in range(size // (3 * 1024 * 256)):
            yield piece
        yield b'", "path": "large.txt", "encoding": "base64"}}\n'

    answer = site.post(
        "/api/models/ann/wire/commit/main", content=body(), headers={"Content-Type": "application/x-ndjson"}
    )
    while_sent = memory_bytes(hub)
    with site.stream("GET", "/ann/wire/resolve/main/large.txt") as response:
        received = sum(len(part) for part in response.iter_raw(1_000_000))

    assert answer.status_code == 200
    assert received == size // (3 * 1024 * 256) * 3 * 1024 * 256
    assert while_sent - before < 60_000_000
    assert memory_bytes(hub) - before < 60_000_000


def memory_bytes(hub) -> int:
    """Highest resident memory so far of all web processes of this site."""
    peaks = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            environment = (status.parent / "environ").read_bytes()
            text = status.read_text()
        except OSError:
            continue  # it ended meanwhile
        if str(hub.home).encode() in environment and b"BIND=" in environment:
            peaks.append(int(text.partition("VmHWM:")[2].split()[0]) * 1024)
    return sum(peaks)
