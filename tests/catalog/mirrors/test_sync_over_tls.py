"""Mirroring from a hub with a certificate of its own authority: verified always, trusted when the operator says so."""

from __future__ import annotations

import os

import pytest

from catalog.actions.mirroring import mirror_sync
from catalog.models import SyncRun
from catalog.queries import trees
from catalog.stores import blob_store
from tests.catalog.mirrors.unreliable import UnreliableHub
from tests.certificates import Authority

pytestmark = pytest.mark.django_db

WEIGHTS = os.urandom(300_000)


@pytest.fixture
def authority(tmp_path, settings):
    """One that this site trusts."""
    made = Authority(tmp_path)
    settings.EXTRA_CA_FILE = made.bundle
    return made


def test_a_hub_behind_tls_is_mirrored_when_its_authority_is_named(upstream, mirrored, authority):
    oid = upstream.put({"weights.bin": WEIGHTS, "note.txt": b"hello\n"})
    with UnreliableHub.before(upstream.endpoint, authority.issue("127.0.0.1")) as proxy:
        run = mirrored(upstream, endpoint=proxy.url)
        mirror_sync.sync(run.pk)

    run.refresh_from_db()
    head = trees.resolve_revision(run.mirror.repo, "main")
    entry = trees.file_at(head, "weights.bin")
    assert (run.state, run.reason) == (SyncRun.State.SUCCEEDED, "")
    assert (head.oid, head.upstream_stated) == (oid, False)
    with blob_store().open(entry.blob.sha256) as file:
        assert file.read() == WEIGHTS
    assert [path.rpartition("/")[2] for path, _ in proxy.fetched].count("weights.bin") == 1


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda authority: authority.issue("hub.example"), "it is for another name"),
        (lambda authority: authority.issue("127.0.0.1", days=-1), "it has expired"),
        (lambda authority: authority.self_signed("127.0.0.1"), "no authority that this server trusts has signed it"),
    ],
    ids=["another name", "expired", "self-signed"],
)
def test_a_hub_that_cannot_prove_its_name_is_not_read(make, why, upstream, mirrored, authority):
    with UnreliableHub.before(upstream.endpoint, make(authority)) as proxy:
        run = mirrored(upstream, endpoint=proxy.url)
        mirror_sync.sync(run.pk)

    run.refresh_from_db()
    assert (run.state, run.reason_code) == (SyncRun.State.PAUSED, "upstream_unavailable")
    assert f"the certificate of 127.0.0.1 is not accepted: {why}" in run.reason
    assert proxy.fetched == []


def test_an_authority_nobody_named_is_not_trusted(upstream, mirrored, authority, settings):
    settings.EXTRA_CA_FILE = None
    with UnreliableHub.before(upstream.endpoint, authority.issue("127.0.0.1")) as proxy:
        run = mirrored(upstream, endpoint=proxy.url)
        mirror_sync.sync(run.pk)

    run.refresh_from_db()
    assert "no authority that this server trusts has signed it" in run.reason
    assert proxy.fetched == []
