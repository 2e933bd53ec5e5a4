"""A proxy before a hub that cuts transfers short or changes bytes, as broken upstreams do."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.certificates import Certificate


class UnreliableHub(ThreadingHTTPServer):
    """Passes requests on to `target`; `cuts` and `flips` say what happens to files on their way."""

    def __init__(self, target: str, shown: Certificate | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "https" if shown else "http"
        if shown:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(shown.chain, shown.key)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.target = target
        self.cuts: list[int] = []  # the next transfers end after so many bytes
        self.flips = False  # whether the last byte of every file is changed
        self.fetched: list[tuple[str, str]] = []  # (path, Range header) of every file asked for

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    @classmethod
    @contextmanager
    def before(cls, target: str, shown: Certificate | None = None) -> Iterator[UnreliableHub]:
        """Over TLS when there is a certificate to show."""
        server = cls(target, shown)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: UnreliableHub

    def do_GET(self) -> None:
        self._ask(None)

    def do_POST(self) -> None:
        self._ask(self.rfile.read(int(self.headers["Content-Length"])))

    def _ask(self, content: bytes | None) -> None:
        kept = ("authorization", "range", "if-range", "accept", "git-protocol", "content-type")
        headers = {name: value for name, value in self.headers.items() if name.lower() in kept}
        asked = urllib.request.Request(self.server.target + self.path, content, headers)
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                status, found, body = answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                status, found, body = refusal.code, dict(refusal.headers), refusal.read()
        self._pass_on(status, found, body)

    def _pass_on(self, status: int, headers: dict[str, str], body: bytes) -> None:
        cut = None
        if "/resolve/" in self.path:
            self.server.fetched.append((self.path, self.headers.get("Range", "")))
            cut = self.server.cuts.pop(0) if self.server.cuts else None
            if self.server.flips:
                body = body[:-1] + bytes([body[-1] ^ 1])
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:cut])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named by the base class
        """Keep the test output quiet."""
