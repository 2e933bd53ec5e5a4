"""Webhooks: told of what their owners may read, signed, at addresses we may call, until it arrives."""

from __future__ import annotations

import ipaddress
import json
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.utils import timezone

from catalog import jobs
from catalog.actions import moving, repos
from catalog.actions.notices import webhook_delivery
from catalog.actions.people import accounts
from catalog.errors import UpstreamNotAllowed
from catalog.models import User, WebhookDelivery
from catalog.upstream.public import PublicAddresses
from tests.catalog.hub_api.conftest import file_line
from tests.factories import RepoFactory
from tests.raw_client import RawClient

HOOKS = "/api/settings/webhooks"


class Receiver(ThreadingHTTPServer):
    """Keeps what it is told, and answers with the next of `statuses`."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got, self.statuses = [], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"

    @classmethod
    @contextmanager
    def listening(cls):
        server = cls()
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("Location", self.server.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args):
        """Quiet."""


@pytest.fixture
def receiver(settings):
    with Receiver.listening() as server:
        settings.WEBHOOK_ALLOWED_HOSTS = [f"127.0.0.1:{server.server_port}"]
        yield server


@pytest.fixture
def model(ann):
    return RepoFactory(actor=ann, name="model")


def hook(caller, url, name="ann/model", kind="model", **fields):
    body = {"url": url, "watched": [{"type": kind, "name": name}], "domains": ["repo"], **fields}
    return caller.json("POST", HOOKS, body)


def deliver_all():
    for pk in WebhookDelivery.objects.filter(state="queued").order_by("pk").values_list("pk", flat=True):
        webhook_delivery.deliver(pk)


def test_a_commit_is_told_signed_in_the_words_of_the_hub(owner, model, receiver):
    assert hook(owner, receiver.url, secret="s3cret").status_code == 200
    oid = owner.commit("ann/model", file_line("a.txt", b"a")).json()["commitOid"]

    deliver_all()

    ((headers, body),) = receiver.got
    told = json.loads(body)
    assert told["event"] == {"action": "update", "scope": "repo.content"}
    assert (told["repo"]["name"], told["repo"]["type"], told["repo"]["headSha"]) == ("ann/model", "model", oid)
    assert told["updatedRefs"][0]["newSha"] == oid
    assert told["webhook"]["version"] == 3
    assert headers["x-webhook-secret"] == "s3cret"
    moment = int(headers["x-webhook-timestamp"])
    assert abs(moment - timezone.now().timestamp()) < 60
    assert headers["x-webhook-signature"] == f"sha256={webhook_delivery.signature('s3cret', moment, body)}"
    assert WebhookDelivery.objects.get().state == "delivered"


def test_an_owner_is_watched_with_all_they_do(owner, ann, receiver):
    hook(owner, receiver.url, name="ann", kind="user")
    repo = RepoFactory(actor=ann, name="new")
    repos.change_settings(repo=repo, visibility="private", actor=ann)
    owner.json("POST", "/api/repos/move", {"fromRepo": "ann/new", "toRepo": "ann/newer", "type": "model"})
    repo.refresh_from_db()
    repos.delete_repo(repo=repo, actor=ann)

    deliver_all()

    told = [json.loads(body) for _headers, body in receiver.got]
    events = {(one["event"]["scope"], one["event"]["action"]) for one in told}
    assert {("repo", "create"), ("repo.config", "update"), ("repo", "move"), ("repo", "delete")} <= events
    moved = next(one for one in told if "movedTo" in one)
    assert moved["movedTo"]["name"] == "ann/newer"


def test_whoever_may_read_it_no_more_hears_no_more(other, owner, ann, model, receiver):
    hook(other, receiver.url)
    owner.commit("ann/model", file_line("a.txt", b"a"))
    repos.change_settings(repo=model, visibility="private", actor=ann)

    deliver_all()

    assert receiver.got == []
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"withheld"}


def test_what_did_not_arrive_is_sent_again_and_given_up_in_the_end(owner, model, receiver, monkeypatch):
    sent = []
    monkeypatch.setattr(jobs, "deliver_webhook", lambda delivery: sent.append(delivery.pk))
    hook(owner, receiver.url)
    owner.commit("ann/model", file_line("a.txt", b"a"))
    delivery = WebhookDelivery.objects.get()
    receiver.statuses = [500] * 9

    for attempt in range(1, 7):
        WebhookDelivery.objects.update(not_before=timezone.now() - timedelta(seconds=1))
        webhook_delivery.send_again()
        webhook_delivery.deliver(delivery.pk)
        delivery.refresh_from_db()
        assert delivery.attempt == attempt

    assert delivery.state == "failed"
    assert len(receiver.got) == 6
    assert sent.count(delivery.pk) >= 5
    webhook_delivery.deliver(delivery.pk)  # the message arrives once more
    assert len(receiver.got) == 6


@pytest.mark.parametrize("status", [301, 404])
def test_refusals_and_redirects_are_final(status, owner, model, receiver):
    hook(owner, receiver.url, secret="x")
    owner.commit("ann/model", file_line("a.txt", b"a"))
    receiver.statuses = [status]

    deliver_all()

    assert len(receiver.got) == 1  # nothing, and no secret, went where it pointed
    assert WebhookDelivery.objects.get().state == "failed"


def test_a_webhook_is_read_changed_switched_and_removed_by_its_owner_alone(owner, other, reader, model, receiver):
    made = hook(owner, receiver.url, secret="s").json()["webhook"]
    one = f"{HOOKS}/{made['id']}"
    assert made["watched"] == [{"type": "model", "name": "ann/model"}]
    assert (made["secret"], made["disabled"], made["domains"]) == ("s", False, ["repo"])

    changed = owner.json("POST", one, {"watched": [{"type": "user", "name": "ann"}], "domains": ["discussion"]})
    assert changed.json()["webhook"]["watched"] == [{"type": "user", "name": "ann"}]
    assert owner.json("POST", f"{one}/disable").json()["webhook"]["disabled"]
    assert not owner.json("POST", f"{one}/enable").json()["webhook"]["disabled"]
    assert [hook["id"] for hook in owner.get(HOOKS).json()] == [made["id"]]
    assert other.get(HOOKS).json() == []
    for method, path in (("GET", one), ("POST", one), ("DELETE", one), ("POST", f"{one}/disable")):
        assert other.json(method, path).status_code == 404
    assert reader.json("DELETE", one).status_code == 403
    assert owner.json("DELETE", one).status_code == 200
    assert owner.get(one).status_code == 404


def test_silence_is_kept(owner, model, receiver):
    made = hook(owner, receiver.url).json()["webhook"]
    owner.json("POST", f"{HOOKS}/{made['id']}/disable")
    owner.commit("ann/model", file_line("a.txt", b"a"))

    assert not WebhookDelivery.objects.exists()


def test_watching_tells_nothing_of_what_one_may_not_see(other, ann, receiver):
    RepoFactory(actor=ann, name="secret", visibility="private")

    answers = [hook(other, receiver.url, name=name) for name in ("ann/secret", "ann/nothing")]

    assert [(one.status_code, one["X-Error-Code"], one.json()["error"]) for one in answers] == [
        (404, "RepoNotFound", "Repository not found")
    ] * 2


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook", "https://example.org:444/hook", "https://user:pw@example.org/", "ftp://example.org",
        "https://", "nonsense", "http://127.0.0.1:1/hook",
    ],
)  # fmt: skip
def test_addresses_we_may_not_call_are_refused_at_once(url, owner, model):
    assert hook(owner, url).status_code == 400


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"]
)
def test_a_public_name_is_no_way_inside(address):
    allowed = PublicAddresses.of(["10.0.0.9:443"])

    with pytest.raises(UpstreamNotAllowed):
        allowed.check_address(ipaddress.ip_address(address), host="hooks.example.org", port=443)
    allowed.check_address(ipaddress.ip_address("93.184.216.34"), host="hooks.example.org", port=443)
    allowed.check_address(ipaddress.ip_address("10.0.0.9"), host="hooks.example.org", port=443)


def test_bad_webhooks_are_refused(owner, stranger, model):
    assert hook(stranger, "https://example.org").status_code == 401
    for fields in (
        {"domains": ["x"]},
        {"watched": []},
        {"watched": [{"type": "bucket", "name": "a/b"}]},
        {"secret": "é"},
    ):
        assert hook(owner, "https://example.org", **fields).status_code == 400
    assert owner.json("POST", HOOKS, {"jobSourceId": "1"}).status_code == 501


def test_webhooks_are_kept_on_a_page(ann, model):
    browser = RawClient()
    browser.force_login(ann)
    asked = {"url": "https://example.org/hook", "watched": "ann/model", "domains": ["repo"]}

    assert browser.post("/settings/webhooks", asked).status_code == 302
    assert browser.post("/settings/webhooks", {**asked, "watched": "ann/no"}).status_code == 422
    refused = browser.post("/settings/webhooks", {**asked, "url": "http://example.org", "secret": "kept"})
    assert refused.status_code == 422
    assert refused.content.decode().count(" checked") == 1
    assert 'value="kept"' in refused.content.decode()
    made = ann.webhooks.get()
    assert "https://example.org/hook" in browser.get("/settings/webhooks").content.decode()
    browser.post(f"/settings/webhooks/{made.public_id}", {"do": "switch"})
    made.refresh_from_db()
    assert made.is_disabled
    browser.post(f"/settings/webhooks/{made.public_id}", {"do": "remove"})
    assert not ann.webhooks.exists()


def test_a_stranger_who_watches_a_name_learns_nothing_of_what_is_private(ann, other, receiver):
    # given
    assert hook(other, receiver.url, name="ann", kind="user").status_code == 200

    # when
    RepoFactory(actor=ann, name="hidden", visibility="private")
    RepoFactory(actor=ann, name="shown")

    # then
    told = WebhookDelivery.objects.values_list("event__repo__name", flat=True)
    assert set(told) == {"shown"}


def test_a_repo_that_went_private_is_not_named_any_more(ann, other, owner, model, receiver):
    # given
    hook(other, receiver.url)
    owner.commit("ann/model", file_line("a.txt", b"a"))
    repos.change_settings(repo=model, visibility="private", actor=ann)
    moving.move_repo(repo=model, namespace=ann.namespace, name="codename", actor=ann)
    browser = RawClient()
    browser.force_login(User.objects.get(namespace__key="bob"))

    # when
    listed, page = other.get("/api/settings/webhooks"), browser.get("/settings/webhooks")

    # then
    assert [one["watched"] for one in listed.json()] == [[]]
    assert "codename" not in page.content.decode()
    assert "repo.content" not in page.content.decode()


def test_the_webhooks_of_a_blocked_person_are_silent(ann, owner, model, receiver):
    hook(owner, receiver.url)
    owner.commit("ann/model", file_line("a.txt", b"a"))
    accounts.block(user=ann, actor=None)

    deliver_all()

    assert receiver.got == []
    assert WebhookDelivery.objects.get().state == "withheld"
