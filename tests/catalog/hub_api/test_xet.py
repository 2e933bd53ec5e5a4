"""Xet uploads believe nothing: every hash is computed again, and a hash alone opens nothing."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import lz4.frame
import pytest
from django.utils import timezone

from catalog.hub_api import cas_access
from catalog.models import AccessToken, Blob, StagedXorb
from catalog.stores import blob_store
from tests.catalog.hub_api.conftest import Caller, body_of, cut_off, lfs_line
from tests.catalog.hub_api.xet_bytes import TermMade, shard_of, xorb_of
from tests.factories import RepoFactory

API = "/api/models/ann/model"
PARTS = (b"first chunk " * 500, b"second chunk " * 700, b"third " * 900)
CONTENT = b"".join(PARTS)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
XORB = xorb_of(*PARTS)
WHOLE = TermMade(XORB, 0, 3)
OCTETS = "application/octet-stream"

pytestmark = pytest.mark.django_db(transaction=True)  # v2 shards are worked on by a thread of their own


def cas_of(caller: Caller, repo: str = "ann/model", scope: str = "write") -> Caller:
    """The same person, holding the Xet token for a repo."""
    return Caller(caller.get(f"/api/models/{repo}/xet-{scope}-token/main").json()["accessToken"])


def send_xorb(cas: Caller, xorb=XORB, name=None, prefix="default"):
    return cas.request("POST", f"/v1/xorbs/{prefix}/{name or xorb.name}", xorb.body, content_type=OCTETS)


def send_shard(cas: Caller, shard: bytes, version=1):
    return cas.request("POST", f"/v{version}/shards", shard, content_type=OCTETS)


def test_tokens_are_told_in_body_and_headers_on_the_clients_host(repo, owner):
    response = owner.get(f"{API}/xet-write-token/main", SERVER_NAME="localhost", SERVER_PORT="8000")

    answer = response.json()
    assert answer["casUrl"] == response["X-Xet-Cas-Url"] == "http://localhost:8000"
    assert answer["accessToken"] == response["X-Xet-Access-Token"]
    assert str(answer["exp"]) == response["X-Xet-Token-Expiration"]
    assert timedelta(minutes=59) < timedelta(seconds=answer["exp"] - timezone.now().timestamp()) <= timedelta(hours=1)
    assert not answer["accessToken"].startswith("hf_")


def test_write_tokens_are_for_writers_read_tokens_for_readers(repo, reader, other, stranger):
    write = [caller.get(f"{API}/xet-write-token/main").status_code for caller in (reader, other, stranger)]
    read = [caller.get(f"{API}/xet-read-token/main").status_code for caller in (reader, other, stranger)]

    assert write == [403, 403, 401]
    assert read == [200, 200, 200]


@pytest.mark.parametrize("version", [1, 2])
def test_a_file_is_made_of_its_chunks_and_committed(version, repo, owner, stranger):
    cas = cas_of(owner)

    sent = send_xorb(cas)
    accepted = send_shard(cas, shard_of(TermMade(XORB, 0, 1), TermMade(XORB, 1, 3), sha256=SHA256), version)
    lines = [json.loads(line) for line in body_of(accepted).splitlines()]
    committed = owner.commit("ann/model", lfs_line("w.bin", SHA256, len(CONTENT)))

    assert sent.json() == {"was_inserted": True}
    assert lines[-1]["result"] == 1
    assert committed.status_code == 200
    assert body_of(stranger.get("/ann/model/resolve/main/w.bin")) == CONTENT


def test_a_later_shard_alone_is_enough_for_the_same_account(repo, ann, owner):
    RepoFactory(actor=ann, name="second")
    send_xorb(cas_of(owner))

    again = send_xorb(cas_of(owner, "ann/second"))
    accepted = send_shard(cas_of(owner, "ann/second"), shard_of(WHOLE, sha256=SHA256))

    assert again.json() == {"was_inserted": False}
    assert accepted.json() == {"result": 1}
    assert owner.commit("ann/second", lfs_line("w.bin", SHA256)).status_code == 200


def test_a_repeated_shard_is_no_news(repo, owner):
    cas = cas_of(owner)
    send_xorb(cas)

    answers = [send_shard(cas, shard_of(WHOLE, sha256=SHA256)).json() for _ in range(2)]

    assert answers == [{"result": 1}, {"result": 0}]


def test_what_another_account_sent_is_as_good_as_unknown(repo, owner, other):
    send_xorb(cas_of(owner))
    other.json("POST", "/api/repos/create", {"name": "mine"})
    thief = cas_of(other, "bob/mine")

    stolen = send_shard(thief, shard_of(WHOLE, sha256=SHA256))
    unknown = send_shard(thief, shard_of(TermMade(xorb_of(b"never sent"), 0, 1), sha256=SHA256))

    assert stolen.status_code == unknown.status_code == 400
    assert {**stolen.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
    assert not Blob.objects.filter(sha256=SHA256).exists()


@pytest.mark.parametrize(
    "shard",
    [
        shard_of(WHOLE, sha256=SHA256, name="a" * 64),
        shard_of(WHOLE, sha256=SHA256, verification="b" * 64),
        shard_of(WHOLE, sha256=SHA256, with_verification=False),
        shard_of(TermMade(XORB, 0, 3, length=5), sha256=SHA256),
        shard_of(TermMade(XORB, 0, 4, length=len(CONTENT)), sha256=SHA256),
        shard_of(TermMade(XORB, 0, 2), sha256=SHA256, name="c" * 64),
        shard_of(WHOLE, sha256=SHA256)[:-60],
        b"not a shard",
        b"",
    ],
)
def test_shards_that_lie_are_400_and_write_nothing(shard, repo, owner):
    cas = cas_of(owner)
    send_xorb(cas)

    for version in (1, 2):
        response = send_shard(cas, shard, version)

        assert (response.status_code, response["X-Error-Code"]) == (400, "InvalidShard")
    assert not Blob.objects.filter(size=len(CONTENT)).exists()


def test_a_wrong_sha256_is_found_while_the_file_is_written(repo, owner):
    cas = cas_of(owner)
    send_xorb(cas)

    plain = send_shard(cas, shard_of(WHOLE, sha256="d" * 64), 1)
    streamed = send_shard(cas, shard_of(WHOLE, sha256="d" * 64), 2)

    assert (plain.status_code, plain["X-Error-Code"]) == (422, "HashMismatch")
    last = json.loads(body_of(streamed).splitlines()[-1])
    assert (last["type"], last["retryable"]) == ("error", False)
    assert not Blob.objects.filter(size=len(CONTENT)).exists()


def test_a_shard_without_sha256_is_accepted_and_named_by_us(repo, owner):
    cas = cas_of(owner)
    send_xorb(cas)

    send_shard(cas, shard_of(WHOLE, sha256=None))

    assert owner.commit("ann/model", lfs_line("w.bin", SHA256)).status_code == 200


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (XORB.body, "a" * 64),
        (XORB.body, "short"),
        (XORB.body, XORB.name.upper()),
        (XORB.body[:-1], XORB.name),
        (XORB.body[:20] + b"x" + XORB.body[21:], XORB.name),
        (xorb_of(*PARTS[:2]).body, XORB.name),
        (b"", XORB.name),
    ],
)
def test_xorbs_that_do_not_hash_to_their_name_are_400(body, name, repo, owner):
    response = cas_of(owner).request("POST", f"/v1/xorbs/default/{name}", body, content_type=OCTETS)

    assert (response.status_code, response["X-Error-Code"]) == (400, "InvalidXorb")
    assert StagedXorb.objects.count() == 0


def test_a_xorb_that_breaks_off_is_422_and_leaves_nothing(repo, owner, ann):
    path = f"/v1/xorbs/default/{XORB.name}"

    response = cas_of(owner).request("POST", path, b"", content_type=OCTETS, **cut_off(XORB.body))

    assert (response.status_code, response["X-Error-Code"]) == (422, "SizeMismatch")
    assert not blob_store().has_staged(f"xorbs/{ann.pk}/{XORB.name}")


def test_a_bomb_is_refused_at_the_length_it_states(repo, owner):
    bomb = lz4.frame.compress(bytes(100_000_000))
    body = b"\0" + len(bomb).to_bytes(3, "little") + b"\1" + (1000).to_bytes(3, "little") + bomb

    response = cas_of(owner).request("POST", f"/v1/xorbs/default/{XORB.name}", body, content_type=OCTETS)

    assert (response.status_code, response["X-Error-Code"]) == (400, "InvalidXorb")


def test_a_xorb_over_its_limit_is_413_before_it_is_read(repo, owner):
    response = cas_of(owner).request(
        "POST", f"/v1/xorbs/default/{XORB.name}", b"", content_type=OCTETS, CONTENT_LENGTH=str(70 * 1024 * 1024)
    )

    assert response.status_code == 413


def test_a_read_token_reads_and_writes_nothing(repo, reader):
    cas = cas_of(reader, scope="read")

    assert send_xorb(cas).status_code == 403
    assert send_shard(cas, b"").status_code == 403


def test_the_way_back_to_plain_uploads_is_404(repo, owner):
    cas = cas_of(owner)

    grant = cas.json("POST", f"/v1/xorb-grants/default/{XORB.name}", {"length": 1})
    chunks = [cas.get(f"/v1/chunks/{prefix}/{XORB.name}") for prefix in ("default", "default-merkledb")]
    reconstruction = cas.get(f"/v2/reconstructions/{XORB.name}")

    assert [grant.status_code, *(one.status_code for one in chunks), reconstruction.status_code] == [404] * 4


def test_telemetry_is_taken_from_anybody(stranger):
    assert stranger.json("POST", "/v1/telemetry", {"any": "thing"}).status_code == 200


@pytest.mark.parametrize("token", ["", "nonsense", "hf_" + "a" * 40])
def test_only_our_xet_tokens_open_the_store(token, repo, owner):
    owner_token_instead = Caller(owner.token)

    assert send_xorb(Caller(token)).status_code == 401
    assert send_xorb(owner_token_instead).status_code == 401


def test_a_xet_token_dies_with_the_token_behind_it(repo, owner):
    cas = cas_of(owner)
    AccessToken.objects.all().delete()

    assert send_xorb(cas).status_code == 401


def test_a_xet_token_expires(repo, owner, monkeypatch):
    cas = cas_of(owner)
    monkeypatch.setattr(cas_access, "LIFETIME_SECONDS", -1)

    assert send_xorb(cas).status_code == 401
