"""What an account sent before is told to its other machines, to nobody else, and not longer than it is kept."""

from __future__ import annotations

import hashlib
import io
import itertools
import struct
import time
from datetime import timedelta

import pytest
from blake3 import blake3
from django.db.models import F

from catalog.actions.incoming import xet_dedup, xet_extents
from catalog.models import Blob, MarkedChunk, StagedXorb
from catalog.parsing import xet_hash
from catalog.parsing.shard import Shard
from catalog.stores import blob_store
from tests.catalog.hub_api.conftest import Caller, body_of
from tests.catalog.hub_api.test_xet import CONTENT, PARTS, SHA256, WHOLE, XORB, cas_of, send_shard, send_xorb
from tests.catalog.hub_api.xet_bytes import TermMade, shard_of, xorb_of
from tests.factories import token_of

FOOTER = struct.Struct("<QQQ6Q32sQQ72xQ")

pytestmark = pytest.mark.django_db(transaction=True)


def text_of(part: bytes) -> str:
    return xet_hash.hash_text(xet_hash.chunk_hash(part))


def ask(cas: Caller, part: bytes = PARTS[0], prefix="default"):
    return cas.get(f"/v1/chunks/{prefix}/{text_of(part)}")


def described(response) -> list[str]:
    """Names of the xorbs of an answer."""
    assert response.status_code == 200
    shard = Shard(io.BytesIO(body_of(response)))
    assert shard.files == []
    return [xorb.xorb_hash for xorb in shard.xorbs()]


def footer_of(body: bytes) -> tuple[int, ...]:
    return FOOTER.unpack(body[-FOOTER.size :])


def sha256_of(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.fixture
def cas(repo, owner):
    """Ann, who sent the file once."""
    cas = cas_of(owner)
    send_xorb(cas)
    assert send_shard(cas, shard_of(WHOLE, sha256=SHA256)).json() == {"result": 1}
    return cas


def test_another_machine_of_the_account_learns_the_xorb_by_its_first_chunk(cas, ann):
    elsewhere = cas_of(Caller(token_of(ann)))

    answers = [ask(elsewhere, prefix=prefix) for prefix in ("default", "default-merkledb")]

    assert [described(one) for one in answers] == [[XORB.name]] * 2
    assert answers[0]["Cache-Control"] == "private, no-store"


def test_whoever_has_a_chunk_finds_it_in_the_answer_and_learns_no_other(cas):
    body = body_of(ask(cas))

    (xorb,) = Shard(io.BytesIO(body)).xorbs()
    version, files_at, xorbs_at, *_tables, key, made_at, expires_at, footer_at = footer_of(body)
    entries = body[xorbs_at + 48 : xorbs_at + 48 * (1 + len(PARTS))]
    lengths = [len(part) for part in PARTS]
    starts = [sum(lengths[:number]) for number in range(len(lengths))]
    keyed = [blake3(xet_hash.chunk_hash(part), key=key).digest() for part in PARTS]
    assert list(struct.iter_unpack("<32sII8x", entries)) == list(zip(keyed, starts, lengths, strict=True))
    assert (version, files_at, xorbs_at, footer_at) == (1, 48, 96, len(body) - 200)
    assert (xorb.chunk_count, xorb.content_length) == (3, len(CONTENT))
    assert made_at <= time.time() < expires_at
    assert any(key)
    assert not any(xet_hash.chunk_hash(part) in body for part in PARTS)


def test_to_everybody_else_it_is_unknown(cas, reader, other):
    other.json("POST", "/api/repos/create", {"name": "mine"})
    theirs = cas_of(other, "bob/mine")

    unknown = ask(theirs, b"never sent by anybody")
    foreign = ask(theirs)
    of_a_reader = ask(cas_of(reader, scope="read"))
    of_a_stranger = ask(cas_of(Caller(), scope="read"))

    assert [one.status_code for one in (unknown, foreign, of_a_reader, of_a_stranger)] == [404] * 4
    assert {**foreign.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


def test_the_neighbours_in_an_answer_are_the_accounts_own(cas, owner, other):
    other.json("POST", "/api/repos/create", {"name": "mine"})
    send_xorb(cas_of(other, "bob/mine"), xorb_of(b"of bob"))
    second, third = xorb_of(b"second of ann"), xorb_of(b"third of ann")
    for xorb in (second, third):
        send_xorb(cas, xorb)

    assert described(ask(cas)) == [XORB.name, second.name, third.name]
    assert described(ask(cas, b"second of ann")) == [second.name, third.name, XORB.name]


def test_chunks_are_found_where_a_file_begins_and_one_in_a_thousand(repo, owner):
    numbers = (b"chunk %d" % number for number in itertools.count())
    asked_for = next(one for one in numbers if int.from_bytes(xet_hash.chunk_hash(one)[24:], "little") % 1024 == 0)
    xorb, cas = xorb_of(b"first", b"second", asked_for, b"last"), cas_of(owner)
    send_xorb(cas, xorb)

    before = [ask(cas, part).status_code for part in xorb.parts]
    send_shard(cas, shard_of(TermMade(xorb, 1, 3), sha256=sha256_of(*xorb.parts[1:3])))
    after = [ask(cas, part).status_code for part in xorb.parts]

    assert before == [200, 404, 200, 404]
    assert after == [200, 200, 200, 404]


def test_a_chunk_is_found_in_the_xorb_it_came_in_last(cas):
    newer = xorb_of(PARTS[0], b"and more")

    send_xorb(cas, newer)

    assert described(ask(cas))[0] == newer.name
    assert MarkedChunk.objects.filter(chunk_hash=text_of(PARTS[0])).count() == 1


def test_nothing_is_promised_beyond_its_life(cas):
    StagedXorb.objects.update(touched_at=F("touched_at") - timedelta(days=19, hours=23))
    expires_at = footer_of(body_of(ask(cas)))[-2]
    dies_at = StagedXorb.objects.get().touched_at + xet_extents.LIFETIME

    StagedXorb.objects.update(touched_at=F("touched_at") - timedelta(hours=2))

    assert expires_at + xet_dedup.ANSWER_LIFETIME.total_seconds() < dies_at.timestamp()
    assert ask(cas).status_code == 404


def test_what_expired_is_forgotten(cas):
    StagedXorb.objects.update(touched_at=F("touched_at") - timedelta(days=23))

    assert xet_extents.expire() == 1

    assert ask(cas).status_code == 404
    assert not MarkedChunk.objects.exists()


@pytest.mark.parametrize("loss", ["corrupt", "no file"])
def test_what_lies_in_a_damaged_blob_is_not_promised(loss, cas):
    send_xorb(cas, xorb_of(b"unharmed"))
    if loss == "corrupt":
        Blob.objects.filter(sha256=SHA256).update(state=Blob.State.CORRUPT)
    else:
        blob_store().remove(SHA256, at=0.0)

    assert ask(cas).status_code == 404
    assert described(ask(cas, b"unharmed")) == [xorb_of(b"unharmed").name]


def test_an_answer_holds_as_many_xorbs_as_fit(cas):
    for number in range(12):
        parts = [b"%d of xorb %d" % (at, number) for at in range(2500)]
        send_xorb(cas, xorb_of(*parts, compressed=False))

    body = body_of(ask(cas))

    assert xet_dedup.MOST_ANSWER_BYTES - 2501 * 48 < len(body) < xet_dedup.MOST_ANSWER_BYTES + 400
    assert xet_dedup.MOST_ANSWER_BYTES < 12 * 2501 * 48


def test_a_described_xorb_can_be_named_in_a_shard_of_another_file(cas, owner):
    new = xorb_of(b"only this is new")
    assert described(ask(cas)) == [XORB.name]
    send_xorb(cas, new)
    content = b"".join((PARTS[0], PARTS[1], *new.parts))

    accepted = send_shard(cas, shard_of(TermMade(XORB, 0, 2), TermMade(new, 0, 1), sha256=sha256_of(content)))

    assert accepted.json() == {"result": 1}
    assert blob_store().read_range(sha256_of(content), 0, len(content)) == content


def test_a_xorb_that_is_sent_again_is_in_use_again(repo, owner):
    cas = cas_of(owner)
    send_xorb(cas)
    StagedXorb.objects.update(touched_at=F("touched_at") - timedelta(days=23))

    assert send_xorb(cas).json() == {"was_inserted": False}

    assert xet_extents.expire() == 0
    assert described(ask(cas)) == [XORB.name]


@pytest.mark.parametrize("name", ["short", "g" * 64, "%00" * 64])
def test_what_names_no_chunk_is_unknown(name, cas):
    assert cas.get(f"/v1/chunks/default/{name}").status_code == 404


def test_each_account_has_a_key_of_its_own(cas, other):
    other.json("POST", "/api/repos/create", {"name": "mine"})
    theirs = cas_of(other, "bob/mine")
    send_xorb(theirs)

    keys = {bytes(footer_of(body_of(ask(one)))[9]) for one in (cas, theirs)}

    assert len(keys) == 2
