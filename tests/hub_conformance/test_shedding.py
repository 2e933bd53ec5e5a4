"""A greedy actor, a full server and the end of one: against a real gunicorn, with the real client beside it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import selectors
import signal
import socket
import threading
from urllib.parse import urlsplit

import httpx
import pytest
from huggingface_hub.utils._http import parse_ratelimit_headers

from tests.hub_conformance.conftest import HubClient
from tests.processes import Hub, wait_for

ANNOUNCED = 50_000_000
PATIENCE_SECONDS = 60
BIG = os.urandom(16_000_000)  # more than the kernel takes for a reader that does not read


@pytest.fixture(scope="module")
def narrow():
    """One process of eight threads: one actor's transfers hold five, all transfers six."""
    with Hub.started("narrow", WEB_WORKERS="1", WEB_THREADS="8") as hub:
        yield hub


@pytest.fixture(scope="module")
def tokens(narrow):
    found = narrow.people("ann", "bob")
    with client_of(narrow.url, found["bob"]) as bob:
        publish(bob, "bob/small", b"some words")
        publish(bob, "bob/big", BIG)
    return found


def client_of(url: str, token: str = "") -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)


def publish(client: httpx.Client, repo: str, content: bytes) -> None:
    client.post("/api/repos/create", json={"name": repo.partition("/")[2]}).raise_for_status()
    value = {"path": "file.bin", "content": base64.b64encode(content).decode(), "encoding": "base64"}
    lines = [{"key": "header", "value": {"summary": "A file"}}, {"key": "file", "value": value}]
    body = "\n".join(map(json.dumps, lines))
    headers = {"Content-Type": "application/x-ndjson"}
    client.post(f"/api/models/{repo}/commit/main", content=body, headers=headers).raise_for_status()


def head_of_upload(url: str, token: str, path: str = "/api/models/bob/small/commit/main") -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/x-ndjson",
        f"Content-Length: {ANNOUNCED}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


@contextlib.contextmanager
def slow(number: int, url: str, sent: bytes):
    """So many connections on which somebody has said this much, and neither writes nor reads on."""
    address = (urlsplit(url).hostname, urlsplit(url).port)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(address, PATIENCE_SECONDS)) for _ in range(number)]
        for connection in connections:
            connection.sendall(sent)
        yield connections


def answered(connections: list[socket.socket], least: int) -> list[http.client.HTTPResponse]:
    """The answers of those that got one, once there are so many."""
    answers = []
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
        while len(answers) < least:
            ready = selector.select(PATIENCE_SECONDS)
            assert ready, f"only {len(answers)} of {least} were answered"
            for key, _ in ready:
                selector.unregister(key.fileobj)
                answer = http.client.HTTPResponse(key.fileobj)
                answer.begin()
                answers.append(answer)
    return answers


def test_forty_slow_uploads_of_one_account_stop_nobody_else(gunicorn_server, plain_ann, people):
    with client_of(gunicorn_server, people["ann"]) as ann:
        publish(ann, "ann/wanted", BIG)
    upload = head_of_upload(gunicorn_server, people["bob"])

    with slow(40, gunicorn_server, upload) as connections:
        refused = answered(connections, least=8)  # two processes hold sixteen each
        plain_ann.hf("download", "ann/wanted", "--local-dir", "wanted", "--quiet")

    assert (plain_ann.home / "wanted" / "file.bin").read_bytes() == BIG
    assert {answer.status for answer in refused} == {429}
    for answer in refused:
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["X-Error-Code"] == "TooManyRequests"
        assert parse_ratelimit_headers(dict(answer.headers.items())).remaining > 0


@pytest.mark.slow
def test_whose_uploads_are_over_may_send_again(narrow, tokens):
    with slow(6, narrow.url, head_of_upload(narrow.url, tokens["bob"])) as connections:
        assert [answer.status for answer in answered(connections, least=1)] == [429]

    with client_of(narrow.url, tokens["bob"]) as bob:
        publish(bob, "bob/again", b"x" * 2_000_000)


@pytest.mark.slow
def test_a_full_server_refuses_uploads_and_still_reads(narrow, tokens, tmp_path):
    with (
        slow(4, narrow.url, head_of_upload(narrow.url, tokens["ann"])) as hers,
        slow(3, narrow.url, head_of_upload(narrow.url, tokens["bob"])) as his,
    ):
        refused = answered([*hers, *his], least=1)
        reader = HubClient(narrow.url, tokens["ann"], tmp_path, with_xet=False)
        reader.hf("download", "bob/small", "file.bin", "--local-dir", "small", "--quiet")

    assert [(answer.status, answer.headers["X-Error-Code"]) for answer in refused] == [(503, "Busy")]
    assert int(refused[0].headers["Retry-After"]) > 0
    assert (tmp_path / "small" / "file.bin").read_bytes() == b"some words"


@pytest.mark.slow
def test_the_client_waits_for_its_turn_behind_its_own_downloads(narrow, tokens, tmp_path):
    lines = ("GET /bob/big/resolve/main/file.bin HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {tokens['bob']}")
    asked = ("\r\n".join(lines) + "\r\n\r\n").encode()
    reader = HubClient(narrow.url, tokens["bob"], tmp_path, with_xet=False)

    with slow(5, narrow.url, asked) as held:
        begun = answered(held, least=5)
        with client_of(narrow.url, tokens["bob"]) as bob:
            refused = bob.get("/bob/big/resolve/main/file.bin")
        threading.Timer(2, lambda: [one.close() for one in (*begun, *held)]).start()
        reader.hf("download", "bob/big", "file.bin", "--local-dir", "big", "--quiet")

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert (tmp_path / "big" / "file.bin").read_bytes() == BIG


@pytest.mark.slow
def test_the_limit_is_there_while_redis_is_not(tokens, narrow):
    with Hub.started("no-redis", WEB_WORKERS="1", WEB_THREADS="8") as hub:
        token = hub.people("bob")["bob"]
        restart_web(hub, REDIS_URL="unix:///nowhere/redis.sock?db=0", ready="/health/live")
        with slow(6, hub.url, head_of_upload(hub.url, token)) as connections:
            refused = answered(connections, least=1)
            with client_of(hub.url) as stranger:
                listed = stranger.get("/api/models")

    assert [answer.status for answer in refused] == [429]
    assert listed.status_code == 200


@pytest.mark.slow
def test_a_server_that_is_told_to_stop_takes_nobody_new_and_finishes_what_it_began():
    with Hub.started("stopping", WEB_WORKERS="1") as hub:
        restart_web(hub, DRAIN_SECONDS="60", ready="/health/ready")
        body = b'{"content": "license: mit", "repoType": "model"}'
        lines = ["POST /api/validate-yaml HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode()
        with slow(1, hub.url, head + body[:10]) as (begun,):
            with client_of(hub.url) as somebody:
                somebody.get("/health/live")  # by now the request before has its thread
            hub.running[-1].process.send_signal(signal.SIGTERM)
            until_refused(hub.url)
            begun.sendall(body[10:])
            answer = answered([begun], least=1)[0]
            ended = hub.running[-1].process.wait(PATIENCE_SECONDS)

    assert answer.status == 200
    assert ended == 0


def restart_web(hub: Hub, *, ready: str, **environment: str) -> None:
    hub.stop()
    command = ("-m", "gunicorn", "-c", "python:marketplace.web_server", "marketplace.wsgi")
    hub.start("web", *command, **{"BIND": f"127.0.0.1:{hub.port}", "DRAIN_SECONDS": "2", **environment})
    wait_for(f"{hub.url}{ready}")


def until_refused(url: str) -> None:
    address = (urlsplit(url).hostname, urlsplit(url).port)
    for _ in range(600):
        try:
            socket.create_connection(address, 1).close()
        except ConnectionRefusedError:
            return
        threading.Event().wait(0.05)
    raise AssertionError("the server still takes connections")
