"""LFS: batch, signed upload, verify, download; nothing is said about bytes of other repos."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.actions.people import accounts, members
from catalog.models import AccessToken, Blob, TokenGrant, Upload
from tests.catalog.hub_api.conftest import Caller, body_of, cut_off, lfs_line
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content, store, token_of

CONTENT = b"\0weights" * 1000
OID = hashlib.sha256(CONTENT).hexdigest()
BATCH = "/ann/model.git/info/lfs/objects/batch"


def batch(caller, oid=OID, size=8000, operation="upload", path=BATCH, **options):
    body = {"operation": operation, "transfers": ["basic", "multipart"], "objects": [{"oid": oid, "size": size}]}
    return caller.json("POST", path, body, **options)


def actions(response) -> dict:
    return response.json()["objects"][0]["actions"]


def local(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def put(stranger, response, content=CONTENT):
    href = local(actions(response)["upload"]["href"])
    return stranger.request("PUT", href, content, content_type="application/octet-stream")


def test_an_upload_needs_no_more_than_its_address(repo, owner, stranger):
    offered = batch(owner)

    sent = put(stranger, offered)
    verified = owner.json("POST", local(actions(offered)["verify"]["href"]), {"oid": OID, "size": len(CONTENT)})
    committed = owner.commit("ann/model", lfs_line("w.bin", OID, len(CONTENT)))

    assert offered["Content-Type"] == "application/vnd.git-lfs+json"
    assert offered.json()["transfer"] == "basic"
    assert [sent.status_code, verified.status_code, committed.status_code] == [200, 200, 200]
    assert body_of(stranger.get("/ann/model/resolve/main/w.bin")) == CONTENT


def test_what_this_repo_holds_is_not_asked_for_again(repo, owner):
    store(repo, CONTENT)

    assert "actions" not in batch(owner).json()["objects"][0]


def test_what_another_repo_holds_is_asked_for_as_if_new(ann, repo, owner):
    store(RepoFactory(actor=ann, name="elsewhere"), CONTENT)

    assert "upload" in actions(batch(owner))
    verify = {"oid": OID, "size": len(CONTENT)}
    assert owner.json("POST", "/ann/model.git/info/lfs/objects/verify", verify).status_code == 404


@pytest.mark.parametrize(
    ("content", "code"),
    [(CONTENT[:-1] + b"x", "HashMismatch"), (CONTENT[:-1], "SizeMismatch"), (CONTENT + b"x", "SizeMismatch")],
)
def test_wrong_bytes_are_422_and_nothing_is_kept(content, code, repo, owner, stranger):
    offered = batch(owner)

    response = put(stranger, offered, content)

    assert (response.status_code, response["X-Error-Code"]) == (422, code)
    assert not Blob.objects.filter(sha256=OID).exists()
    assert put(stranger, offered).status_code == 200  # the same address, the right bytes


def test_a_truncated_upload_is_422(repo, owner, stranger):
    href = local(actions(batch(owner))["upload"]["href"])

    response = stranger.request("PUT", href, b"", **cut_off(CONTENT[:100], announced=len(CONTENT)))

    assert (response.status_code, response["X-Error-Code"]) == (422, "SizeMismatch")


def test_an_address_cannot_be_forged_reused_or_outlive_its_time(repo, owner, stranger):
    offered = batch(owner)
    href = local(actions(offered)["upload"]["href"])

    forged = stranger.request("PUT", href[:-4] + "aaaa", CONTENT)
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    late = put(stranger, offered)
    Upload.objects.update(expires_at=timezone.now() + timedelta(hours=1))
    sent, again = put(stranger, offered), put(stranger, offered)

    assert [forged.status_code, late.status_code, sent.status_code, again.status_code] == [403, 410, 200, 410]


@pytest.mark.parametrize("end", ["blocked", "revoked", "expired", "no member"])
def test_an_address_dies_with_the_right_of_who_opened_it(end, stranger, ann):
    team = OrganisationFactory(name="acme", admin=UserFactory(), members={"write": [ann]})
    RepoFactory(namespace=team.namespace, actor=ann, name="model", visibility="private")
    offered = batch(Caller(token_of(ann)), path=BATCH.replace("ann", "acme"))
    mine = AccessToken.objects.filter(user=ann)
    if end == "blocked":
        accounts.block(user=ann, actor=None)
    elif end == "revoked":
        accounts.revoke_token(token=mine.get(), actor=ann)
    elif end == "expired":
        mine.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        members.remove_member(organisation=team, user=ann, actor=ann)

    assert put(stranger, offered).status_code == 410
    assert not Blob.objects.filter(sha256=OID).exists()


def test_an_address_lives_as_long_as_its_own_token_and_no_other(repo, owner, stranger, ann):
    first, second = batch(owner), batch(Caller(token_of(ann)))
    AccessToken.objects.filter(user=ann).order_by("pk")[0].delete()

    assert actions(first)["upload"]["href"] != actions(second)["upload"]["href"]
    assert put(stranger, first).status_code == 410
    assert put(stranger, second).status_code == 200


def test_an_address_of_a_fine_grained_token_reaches_as_far_as_that(repo, ann, stranger):
    offered = batch(Caller(token_of(ann, grants=[(repo, "write")])))

    TokenGrant.objects.update(role="read")

    assert put(stranger, offered).status_code == 410


def test_who_sends_is_asked_in_one_query_more(repo, owner, stranger, ann):
    offered = batch(owner)

    with CaptureQueriesContext(connection) as asked:
        assert put(stranger, offered, b"another size").status_code == 422

    # whose token; which upload. Its size is wrong, so nothing else is asked
    tables = [query["sql"].split(" FROM ")[1].split()[0] for query in asked]
    assert tables == ['"catalog_accesstoken"', '"catalog_upload"']


@pytest.mark.parametrize("changed", ["by=1.1&", "by=&", ""])
def test_an_address_names_its_opener_and_nobody_else(changed, repo, owner, stranger):
    href = local(actions(batch(owner))["upload"]["href"])

    assert re.search(r"\?by=\d+\.\d+&sig=", href)
    assert stranger.request("PUT", re.sub(r"by=[^&]*&", changed, href), CONTENT).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operation": "upload"},
        {"operation": "upload", "objects": [{"oid": "xyz", "size": 1}]},
        {"operation": "upload", "objects": [{"oid": OID, "size": -1}]},
        {"operation": "upload", "objects": [{"oid": OID, "size": True}]},
        {"operation": "upload", "objects": ["x"]},
        {"operation": "upload", "objects": [], "hash_algo": "md5"},
        {"operation": "steal", "objects": []},
    ],
)
def test_bad_batches_are_400(body, repo, owner):
    assert owner.json("POST", BATCH, body).status_code == 400


def test_long_batches_are_413(repo, owner):
    body = {"operation": "upload", "objects": [{"oid": OID, "size": 1}] * 1001}

    assert owner.json("POST", BATCH, body).status_code == 413


def test_uploads_are_for_who_may_commit_or_propose(repo, reader, other, stranger):
    assert [batch(caller).status_code for caller in (reader, other, stranger)] == [403, 200, 401]


def test_git_lfs_downloads_by_a_short_lived_address(repo, owner, stranger):
    commit_content(repo, {"w.bin": CONTENT}, lfs=("w.bin",))

    offered = batch(stranger, operation="download")
    part = stranger.get(local(actions(offered)["download"]["href"]), headers={"Range": "bytes=1-7"})

    assert body_of(part) == b"weights"
    assert part.status_code == 206


def test_downloads_offer_only_what_a_commit_holds(repo, owner):
    store(repo, CONTENT)

    answer = batch(owner, operation="download").json()["objects"][0]

    assert answer["error"]["code"] == 404


def test_a_download_address_asks_again_for_the_right(private_repo, owner, stranger, ann):
    commit_content(private_repo, {"w.bin": CONTENT}, lfs=("w.bin",))
    href = local(actions(batch(owner, operation="download", path=BATCH.replace("model", "secret")))["download"]["href"])

    allowed = stranger.get(href)
    assert (allowed.status_code, allowed["Cache-Control"]) == (200, "private, no-store")
    assert body_of(allowed) == CONTENT
    ann.is_active = False
    ann.save()

    assert stranger.get(href).status_code == 403
    assert stranger.get("/-/lfs/forged").status_code == 403


def test_git_lfs_signs_in_with_basic(private_repo, owner, stranger):
    basic = base64.b64encode(f"ann:{owner.token}".encode()).decode()

    path = BATCH.replace("model", "secret")

    assert batch(stranger, path=path, headers={"Authorization": f"Basic {basic}"}).status_code == 200
    refused = batch(stranger, path=path)
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"].startswith("Basic ")


def test_asking_again_reserves_no_more_room(repo, owner):
    hrefs = {actions(batch(owner))["upload"]["href"] for _ in range(3)}

    assert len(hrefs) == 1
    assert Upload.objects.count() == 1


def test_a_download_address_dies_with_its_token(private_repo, owner, stranger, ann):
    commit_content(private_repo, {"w.bin": CONTENT}, lfs=("w.bin",))
    href = local(actions(batch(owner, operation="download", path=BATCH.replace("model", "secret")))["download"]["href"])
    assert body_of(stranger.get(href)) == CONTENT

    AccessToken.objects.filter(user=ann).delete()

    assert stranger.get(href).status_code == 403


def test_a_damaged_file_is_503_and_never_wrong_bytes(repo, stranger):
    commit_content(repo, {"w.bin": CONTENT}, lfs=("w.bin",))
    href = local(actions(batch(stranger, operation="download"))["download"]["href"])
    Blob.objects.filter(sha256=OID).update(state=Blob.State.CORRUPT)

    answer = stranger.get(href)

    assert (answer.status_code, answer["X-Error-Code"]) == (503, "BlobUnavailable")
