"""What an account sent as xorbs can be named again for three weeks, though the xorbs' own bytes are gone."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.db.models import F

from catalog.actions.incoming import uploads, xet_extents
from catalog.actions.upkeep import collection
from catalog.actions.upkeep.collection import Graces
from catalog.models import Blob, RepoBlob, StagedXorb, XorbExtent
from catalog.stores import blob_store
from tests.catalog.hub_api.conftest import body_of, lfs_line
from tests.catalog.hub_api.test_xet import CONTENT, PARTS, SHA256, WHOLE, XORB, cas_of, send_shard, send_xorb
from tests.catalog.hub_api.xet_bytes import TermMade, shard_of, xorb_of
from tests.factories import RepoFactory

OTHER = xorb_of(b"fourth " * 800, b"fifth " * 100)

pytestmark = pytest.mark.django_db(transaction=True)


def sha256_of(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def staged(xorb) -> bool:
    row = StagedXorb.objects.get(xorb_hash=xorb.name)
    is_here = blob_store().has_staged(f"xorbs/{row.account_id}/{xorb.name}")
    assert is_here == row.is_staged
    return is_here


def age(**by) -> None:
    StagedXorb.objects.update(touched_at=F("touched_at") - timedelta(**by))


@pytest.fixture
def cas(repo, owner):
    """Ann, who sent the file once; its xorb is gone again."""
    cas = cas_of(owner)
    send_xorb(cas)
    assert send_shard(cas, shard_of(WHOLE, sha256=SHA256)).json() == {"result": 1}
    assert not staged(XORB)
    return cas


def test_the_bytes_of_a_xorb_go_when_blobs_hold_all_of_its_chunks(repo, owner):
    cas = cas_of(owner)
    send_xorb(cas)

    seen = []
    for term in (TermMade(XORB, 0, 2), TermMade(XORB, 1, 2), TermMade(XORB, 1, 3)):
        send_shard(cas, shard_of(term, sha256=sha256_of(*PARTS[term.start : term.end])))
        seen.append(staged(XORB))

    assert seen == [True, True, False]
    assert list(XorbExtent.objects.order_by("first").values_list("first", "end")) == [(0, 2), (2, 3)]


def test_a_shard_alone_gives_another_repo_the_same_blob_without_writing_it_again(cas, ann, owner, monkeypatch):
    RepoFactory(actor=ann, name="second")
    monkeypatch.setattr(uploads, "store_bytes", None)  # not called: nothing is written

    accepted = send_shard(cas_of(owner, "ann/second"), shard_of(WHOLE, sha256=SHA256), version=2)

    assert b'"result": 1' in body_of(accepted).splitlines()[-1]
    assert owner.commit("ann/second", lfs_line("w.bin", SHA256)).status_code == 200


def test_another_file_is_made_of_blobs_and_staged_xorbs_together(cas, owner):
    send_xorb(cas, OTHER)
    terms = [TermMade(XORB, 1, 3), TermMade(OTHER, 0, 2), TermMade(XORB, 0, 1), TermMade(XORB, 2, 3)]
    content = b"".join((*PARTS[1:], *OTHER.parts, PARTS[0], PARTS[2]))

    accepted = send_shard(cas, shard_of(*terms, sha256=sha256_of(content)))
    owner.commit("ann/model", lfs_line("mixed.bin", sha256_of(content)))

    assert accepted.json() == {"result": 1}
    assert body_of(owner.get("/ann/model/resolve/main/mixed.bin")) == content
    assert not staged(OTHER)


def test_a_repeated_shard_adds_no_rows(cas):
    for _ in range(2):
        send_shard(cas, shard_of(WHOLE, TermMade(XORB, 0, 1), sha256=sha256_of(CONTENT, PARTS[0])))
    send_shard(cas, shard_of(WHOLE, sha256=SHA256))

    assert XorbExtent.objects.count() == 1


def test_extents_live_22_days_from_their_last_use(cas, ann, owner):
    age(days=21)
    RepoFactory(actor=ann, name="second")
    send_shard(cas_of(owner, "ann/second"), shard_of(WHOLE, sha256=SHA256))
    age(days=21, hours=23)

    assert xet_extents.expire() == 0
    age(hours=2)
    assert xet_extents.expire() == 1

    assert not XorbExtent.objects.exists()
    refused = send_shard(cas, shard_of(TermMade(XORB, 0, 1), sha256=sha256_of(PARTS[0])))
    assert refused.status_code == 400
    assert "HF_XET_CACHE" in refused.json()["error"]


def stored_bytes() -> int:
    """What the store's whole folder takes: blobs, staged bytes, trash."""
    root = blob_store().local_path(SHA256).parents[4]
    assert {"blobs", "staged", "trash", "incoming"} <= {path.name for path in root.iterdir()}
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def collect() -> None:
    """Everything that may go, at once."""
    at_once = Graces(untouched=timedelta(0), condemned=timedelta(0), trashed=timedelta(0))
    for _ in range(2):
        collection.collect(at_once, force=True, with_orphans=False)


def test_collection_leaves_what_clients_remember_and_the_disk_holds_the_file_once(cas, ann, owner):
    alone = stored_bytes()
    for name in ("second", "third"):
        RepoFactory(actor=ann, name=name)
        send_shard(cas_of(owner, f"ann/{name}"), shard_of(WHOLE, sha256=SHA256))
    RepoBlob.objects.all().delete()

    collect()
    RepoFactory(actor=ann, name="fourth")
    accepted = send_shard(cas_of(owner, "ann/fourth"), shard_of(WHOLE, sha256=SHA256))
    collect()

    assert accepted.json() == {"result": 1}
    assert owner.commit("ann/fourth", lfs_line("w.bin", SHA256)).status_code == 200
    assert body_of(owner.get("/ann/fourth/resolve/main/w.bin")) == CONTENT
    assert stored_bytes() - alone < 0.05 * len(CONTENT)


def test_collection_takes_what_clients_forgot(cas):
    held = stored_bytes()
    RepoBlob.objects.filter(blob__sha256=SHA256).delete()
    root = blob_store().local_path(SHA256).parents[4]
    age(days=23)

    assert xet_extents.expire() == 1
    collect()

    assert blob_store().size(SHA256) is None
    assert held - sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) >= len(CONTENT)
    refused = send_shard(cas, shard_of(WHOLE, sha256=SHA256))
    assert (refused.status_code, "HF_XET_CACHE" in refused.json()["error"]) == (400, True)


def test_expiry_drops_the_bytes_of_xorbs_that_no_file_ever_used(repo, owner, ann):
    send_xorb(cas_of(owner))
    age(days=23)

    assert xet_extents.expire() == 1
    assert not blob_store().has_staged(f"xorbs/{ann.pk}/{XORB.name}")


def test_extents_of_one_account_are_nothing_to_another(cas, other):
    other.json("POST", "/api/repos/create", {"name": "mine"})
    thief = cas_of(other, "bob/mine")

    stolen = send_shard(thief, shard_of(WHOLE, sha256=SHA256))
    unknown = send_shard(thief, shard_of(TermMade(xorb_of(b"never sent"), 0, 1), sha256=SHA256))

    assert stolen.status_code == 400
    assert {**stolen.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
    assert not RepoBlob.objects.filter(repo__namespace__name="bob", blob__sha256=SHA256).exists()


@pytest.mark.parametrize("loss", ["corrupt", "no file"])
def test_a_blob_that_is_lost_or_damaged_is_sent_again_in_full(loss, cas, ann, owner):
    RepoFactory(actor=ann, name="second")
    second, shard = cas_of(owner, "ann/second"), shard_of(WHOLE, sha256=SHA256)
    if loss == "corrupt":
        Blob.objects.filter(sha256=SHA256).update(state=Blob.State.CORRUPT)
    else:
        blob_store().remove(SHA256, at=0.0)

    refused = send_shard(second, shard)
    sent_again = send_xorb(second)
    accepted = send_shard(second, shard)

    assert refused.status_code == 400
    assert "HF_XET_CACHE" in refused.json()["error"]
    assert sent_again.json() == {"was_inserted": True}
    assert accepted.json() == {"result": 1}
    assert Blob.objects.get(sha256=SHA256).state == Blob.State.LIVE
    assert blob_store().read_range(SHA256, 0, len(CONTENT) + 1) == CONTENT


def test_a_shard_alone_with_a_wrong_sha256_is_refused(cas):
    refused = send_shard(cas, shard_of(WHOLE, sha256="d" * 64))

    assert (refused.status_code, refused["X-Error-Code"]) == (422, "HashMismatch")


def test_a_foreign_blob_is_not_taken_for_a_name_alone(cas, other):
    other.json("POST", "/api/repos/create", {"name": "mine"})
    thief, mine = cas_of(other, "bob/mine"), xorb_of(b"x" * len(CONTENT))
    send_xorb(thief, mine)

    refused = send_shard(thief, shard_of(TermMade(mine, 0, 1), sha256=SHA256))

    assert (refused.status_code, refused["X-Error-Code"]) == (422, "HashMismatch")
    assert not RepoBlob.objects.filter(repo__namespace__name="bob", blob__sha256=SHA256).exists()
