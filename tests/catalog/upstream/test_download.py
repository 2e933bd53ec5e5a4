"""Ranged downloads against a real HTTP server that breaks off, changes its mind or lies."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from catalog.errors import SizeMismatch, UpstreamNotAllowed, UpstreamRefused, UpstreamUnavailable
from catalog.upstream.addresses import AllowList
from catalog.upstream.download import PartialFile, read_ranged
from catalog.upstream.http import UpstreamClient

CONTENT = bytes(range(256)) * 4096  # 1 MiB


class Upstream(ThreadingHTTPServer):
    """Serves CONTENT; `breaks_after` bytes it hangs up once, `etag` is what it states now."""

    etag = '"one"'
    breaks_after: int | None = None
    honours_ranges = True
    extra = b""
    seen: list[dict[str, str]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Upstream
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
        if self.path.startswith("/to/"):
            self._answer(302, {"Location": self.path.removeprefix("/to/")}, b"")
        elif self.path == "/busy":
            self._answer(429, {"Retry-After": "7"}, b"")
        elif self.path.startswith("/trickling-"):
            self._trickle(self.path.removeprefix("/trickling-"))
        elif self.path == "/slow":
            self._answer(200, {"ETag": self.server.etag}, CONTENT, pause_seconds=3.5)
        elif self.path == "/gated":
            self._answer(403, {"X-Error-Code": "GatedRepo"}, b"")
        else:
            self._file()

    def _file(self) -> None:
        start = 0
        if self.server.honours_ranges and self.headers.get("If-Range") == self.server.etag:
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        body = CONTENT[start:] + self.server.extra
        headers = {"ETag": self.server.etag}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        stop, self.server.breaks_after = self.server.breaks_after, None
        self._answer(206 if start else 200, headers, body, stop=stop)

    def _trickle(self, part: str) -> None:
        """Never silent for long, and never done."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if part == "body" else b""))
            while True:
                self.wfile.write(b"X-Slow: 1\r\n")
                time.sleep(0.1)

    def _answer(
        self, status: int, headers: dict[str, str], body: bytes, *, stop: int | None = None, pause_seconds: float = 0
    ) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:100])
        time.sleep(pause_seconds)
        self.wfile.write(body[100:stop])
        self.close_connection = stop is not None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named by the base class
        """Keep the test output quiet."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream(("127.0.0.1", 0), Handler)
    server.seen = []
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(upstream: Upstream) -> Iterator[UpstreamClient]:
    opened = UpstreamClient(allowed=AllowList.of([f"127.0.0.1:{upstream.server_port}"]), token="hf_secret")
    yield opened
    opened.close()


@pytest.fixture
def partial(tmp_path: Path) -> Iterator[PartialFile]:
    opened = PartialFile(tmp_path, "a file")
    yield opened
    opened.close()


def _read(client: UpstreamClient, url: str, partial: PartialFile) -> int:
    return sum(read_ranged(client, url, size=len(CONTENT), partial=partial))


def _content(partial: PartialFile) -> bytes:
    partial.close()
    return partial.path.read_bytes()


def test_a_broken_transfer_goes_on_where_it_stopped(upstream: Upstream, client: UpstreamClient, tmp_path: Path) -> None:
    upstream.breaks_after = 300_000
    first = PartialFile(tmp_path, "a file")
    with pytest.raises(UpstreamUnavailable):
        _read(client, upstream.url + "/f", first)
    had = first.size
    first.close()

    second = PartialFile(tmp_path, "a file")  # as another process would find it
    arrived = _read(client, upstream.url + "/f", second)

    assert 0 < had < len(CONTENT)
    assert arrived == len(CONTENT) - had
    assert upstream.seen[-1]["range"] == f"bytes={had}-"
    assert _content(second) == CONTENT


def test_content_that_changed_meanwhile_is_fetched_anew(
    upstream: Upstream, client: UpstreamClient, partial: PartialFile
) -> None:
    upstream.breaks_after = 300_000
    with pytest.raises(UpstreamUnavailable):
        _read(client, upstream.url + "/f", partial)
    upstream.etag = '"two"'

    arrived = _read(client, upstream.url + "/f", partial)

    assert arrived == len(CONTENT)
    assert _content(partial) == CONTENT


def test_a_server_without_ranges_starts_over(upstream: Upstream, client: UpstreamClient, partial: PartialFile) -> None:
    upstream.breaks_after = 300_000
    upstream.honours_ranges = False
    with pytest.raises(UpstreamUnavailable):
        _read(client, upstream.url + "/f", partial)

    _read(client, upstream.url + "/f", partial)

    assert _content(partial) == CONTENT


def test_more_bytes_than_listed_are_refused(upstream: Upstream, client: UpstreamClient, partial: PartialFile) -> None:
    upstream.extra = b"x"

    with pytest.raises(SizeMismatch):
        _read(client, upstream.url + "/f", partial)


def test_the_token_stays_with_its_host(upstream: Upstream, client: UpstreamClient, partial: PartialFile) -> None:
    other = Upstream(("127.0.0.1", 0), Handler)
    other.seen = []
    Thread(target=other.serve_forever, daemon=True).start()
    both = AllowList.of([f"127.0.0.1:{upstream.server_port}", f"127.0.0.1:{other.server_port}"])
    client = UpstreamClient(allowed=both, token="hf_secret")

    _read(client, f"{upstream.url}/to/{other.url}/f", partial)

    client.close()
    other.shutdown()
    other.server_close()
    assert upstream.seen[0]["authorization"] == "Bearer hf_secret"
    assert "authorization" not in other.seen[0]


def test_a_redirect_off_the_list_is_not_followed(
    upstream: Upstream, client: UpstreamClient, partial: PartialFile
) -> None:
    with pytest.raises(UpstreamNotAllowed):
        _read(client, f"{upstream.url}/to/http://127.0.0.1:1/f", partial)


def test_endless_redirects_end(upstream: Upstream, client: UpstreamClient) -> None:
    with pytest.raises(UpstreamRefused, match="redirects too many"):
        client.get(f"{upstream.url}/to//to//to//to//to//to/")


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_listing_that_trickles_is_given_up(upstream: Upstream, part: str) -> None:
    client = UpstreamClient(allowed=AllowList.of(["127.0.0.1:*"]), most_seconds=1.0)

    with pytest.raises(UpstreamUnavailable, match="did not answer in time"):
        client.get(f"{upstream.url}/trickling-{part}")

    client.close()


def test_a_file_may_take_longer_than_an_answer(upstream: Upstream, partial: PartialFile) -> None:
    client = UpstreamClient(allowed=AllowList.of(["127.0.0.1:*"]), most_seconds=3.0)

    _read(client, f"{upstream.url}/slow", partial)

    client.close()
    assert _content(partial) == CONTENT


def test_an_address_that_no_request_can_hold_is_refused(upstream: Upstream, client: UpstreamClient) -> None:
    with pytest.raises(UpstreamNotAllowed, match="malformed or too long"):
        client.get(f"{upstream.url}/{'x' * 70_000}")


def test_a_busy_server_says_when_to_come_back(upstream: Upstream, client: UpstreamClient) -> None:
    with pytest.raises(UpstreamUnavailable) as busy:
        client.get(f"{upstream.url}/busy")

    assert busy.value.facts["retry_after_seconds"] == 7.0


def test_a_refusal_says_why(upstream: Upstream, client: UpstreamClient) -> None:
    with pytest.raises(UpstreamRefused, match="gated there"):
        client.get(f"{upstream.url}/gated")
