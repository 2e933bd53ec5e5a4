"""Webhooks to a real https server with an authority of its own: whom we believe, and what its owner is told."""

from __future__ import annotations

import html
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from huggingface_hub import WebhookPayload

from catalog.actions.notices import webhook_delivery
from catalog.models import WebhookDelivery
from tests.catalog.hub_api.conftest import file_line
from tests.certificates import Authority, Certificate
from tests.factories import RepoFactory
from tests.raw_client import RawClient

MEGABYTE = bytes(2**20)


class TlsReceiver(ThreadingHTTPServer):
    """Keeps what it is told; `behaviour` names how it answers."""

    def __init__(self, shown: Certificate) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got, self.behaviour, self.location, self.sent_bytes, self.left = [], "well", "", 0, Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shown.chain, shown.key)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server_port}/hook"

    @classmethod
    @contextmanager
    def listening(cls, shown: Certificate) -> Iterator[TlsReceiver]:
        server = cls(shown)
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: TlsReceiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        getattr(self, self.server.behaviour)()

    def well(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def refusing(self) -> None:
        self.send_error(403, "secret words of the receiver")

    def redirecting(self) -> None:
        self.send_response(307)
        self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def trickling(self) -> None:
        """Never silent for long, and never done."""
        self._until_they_leave(b"HTTP/1.1 200 OK\r\n", b"X-Slow: 1\r\n", pause_seconds=0.1)

    def endless(self) -> None:
        self._until_they_leave(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n", MEGABYTE)

    def endless_headers(self) -> None:
        self._until_they_leave(b"HTTP/1.1 200 OK\r\nX-Long: ", MEGABYTE.replace(b"\0", b"x"))

    def _until_they_leave(self, start: bytes, then: bytes, *, pause_seconds: float = 0) -> None:
        self.close_connection = True
        try:
            self.wfile.write(start)
            while not self.server.left.wait(pause_seconds):
                self.wfile.write(then)
                self.server.sent_bytes += len(then)
        except OSError:
            self.server.left.set()

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def shown(authority):
    return authority.issue("localhost")


@pytest.fixture
def receiver(settings, authority, shown):
    with TlsReceiver.listening(shown) as server:
        settings.WEBHOOK_ALLOWED_HOSTS = [f"localhost:{server.server_port}"]
        settings.EXTRA_CA_FILE = authority.bundle
        yield server


@pytest.fixture
def delivered(owner, ann):
    """Has one event told to an address; returns the delivery and what its owner reads about it."""
    RepoFactory(actor=ann, name="model")

    def deliver(url: str) -> tuple[WebhookDelivery, str]:
        watched = [{"type": "model", "name": "ann/model"}]
        made = {"url": url, "watched": watched, "domains": ["repo"], "secret": "s3cret"}
        assert owner.json("POST", "/api/settings/webhooks", made).status_code == 200
        owner.commit("ann/model", file_line("a.txt", b"a"))
        delivery = WebhookDelivery.objects.get()
        webhook_delivery.deliver(delivery.pk)
        delivery.refresh_from_db()
        browser = RawClient()
        browser.force_login(ann)
        return delivery, html.unescape(browser.get("/settings/webhooks").content.decode())

    return deliver


def test_a_receiver_with_a_good_certificate_hears_it_signed(receiver, delivered):
    delivery, _page = delivered(receiver.url)

    ((headers, body),) = receiver.got
    assert (delivery.state, delivery.status, delivery.reason) == ("delivered", 200, "")
    assert headers["host"] == f"localhost:{receiver.server_port}"
    recount = HMAC(b"s3cret", hashes.SHA256())
    recount.update(headers["x-webhook-timestamp"].encode() + b"." + body)
    assert headers["x-webhook-signature"] == f"sha256={recount.finalize().hex()}"


def test_the_client_understands_what_arrives(receiver, delivered):
    delivered(receiver.url)

    ((_headers, body),) = receiver.got
    told = WebhookPayload.model_validate_json(body)
    assert (told.event.action, told.event.scope) == ("update", "repo.content")
    assert (told.repo.type, told.repo.name, told.repo.private) == ("model", "ann/model", False)
    assert told.updatedRefs[0].newSha == told.repo.head_sha


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda authority: authority.issue("other.example", "127.0.0.1"), "it is for another name"),
        (lambda authority: authority.issue("localhost", days=-1), "it has expired"),
        (lambda authority: authority.self_signed("localhost"), "no authority that this server trusts has signed it"),
    ],
    ids=["another name", "expired", "self-signed"],
)
def test_a_bad_certificate_is_named_and_nothing_is_sent(make, why, settings, authority, delivered):
    with TlsReceiver.listening(make(authority)) as server:
        settings.WEBHOOK_ALLOWED_HOSTS = [f"localhost:{server.server_port}"]
        settings.EXTRA_CA_FILE = authority.bundle
        delivery, page = delivered(server.url)

    assert server.got == []
    assert (delivery.state, delivery.status) == ("queued", None)  # certificates get renewed: asked again
    assert delivery.reason == f"the certificate of localhost is not accepted: {why}"
    assert delivery.reason in page


def test_an_authority_of_ones_own_counts_only_when_it_is_named(receiver, delivered, settings):
    settings.EXTRA_CA_FILE = None

    delivery, _page = delivered(receiver.url)

    assert receiver.got == []
    assert "no authority that this server trusts has signed it" in delivery.reason


def test_a_refusal_is_told_as_it_came(receiver, delivered):
    receiver.behaviour = "refusing"

    delivery, page = delivered(receiver.url)

    assert (delivery.state, delivery.status, delivery.reason) == ("failed", 403, "localhost answered 403")
    assert delivery.reason in page
    assert "secret words" not in page


@pytest.mark.parametrize("where", ["another host", "http://169.254.169.254/latest", "http://127.0.0.1:1/"])
def test_a_redirect_is_told_to_the_owner_and_not_followed(where, receiver, delivered, authority, settings):
    with TlsReceiver.listening(authority.issue("127.0.0.1")) as second:
        settings.WEBHOOK_ALLOWED_HOSTS += [f"127.0.0.1:{second.server_port}"]
        receiver.behaviour = "redirecting"
        receiver.location = f"https://127.0.0.1:{second.server_port}/" if where == "another host" else where
        delivery, page = delivered(receiver.url)

    assert len(receiver.got) == 1
    assert second.got == []  # no secret and no signature went there
    assert (delivery.state, delivery.status) == ("failed", 307)
    assert delivery.reason == "localhost answered 307, a redirect; none is followed here"
    assert delivery.reason in page


def test_a_receiver_that_trickles_is_left(receiver, delivered, monkeypatch):
    monkeypatch.setattr(webhook_delivery, "MOST_SECONDS", 1.0)
    receiver.behaviour = "trickling"

    delivery, page = delivered(receiver.url)

    assert (delivery.state, delivery.reason) == ("queued", "localhost did not answer in time")
    assert delivery.reason in page
    assert receiver.left.wait(30)


def test_an_endless_answer_is_left_unread(receiver, delivered):
    receiver.behaviour = "endless"

    delivery, _page = delivered(receiver.url)

    assert (delivery.state, delivery.status) == ("delivered", 200)
    assert receiver.left.wait(30)
    assert receiver.sent_bytes < 64 * len(MEGABYTE)  # what the sockets between us hold


def test_endless_headers_are_refused(receiver, delivered):
    receiver.behaviour = "endless_headers"

    delivery, page = delivered(receiver.url)

    assert (delivery.state, delivery.reason) == ("queued", "the connection to localhost failed")
    assert delivery.reason in page
    assert receiver.left.wait(30)
    assert receiver.sent_bytes < 64 * len(MEGABYTE)


def test_a_receiver_without_tls_is_said_to_have_none(settings, delivered, authority):
    from tests.catalog.community.test_webhooks import Receiver

    with Receiver.listening() as plain:
        settings.WEBHOOK_ALLOWED_HOSTS = [f"127.0.0.1:{plain.server_port}"]
        delivery, page = delivered(plain.url.replace("http://", "https://"))

    assert plain.got == []
    assert (delivery.state, delivery.reason) == ("queued", "127.0.0.1 and this server find no common TLS")
    assert delivery.reason in page
