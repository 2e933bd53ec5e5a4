"""Large LFS uploads in parts: offered to who knows how, resumed part by part, believed only as a whole."""

from __future__ import annotations

import hashlib
import random
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db.models import F

from catalog.actions.incoming import upload_parts, uploads
from catalog.models import AccessToken, Blob, Upload, UploadPart
from tests.catalog.hub_api.conftest import body_of, cut_off, lfs_line
from tests.catalog.hub_api.test_lfs import BATCH, actions, local

CONTENT = random.Random(5).randbytes(250_000)
OID = hashlib.sha256(CONTENT).hexdigest()
PARTS = [CONTENT[start : start + 100_000] for start in range(0, len(CONTENT), 100_000)]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_parts(settings):
    settings.LFS_MULTIPART_ABOVE_BYTES = 200_000
    settings.LFS_PART_BYTES = 100_000
    for left in staged_parts():  # by tests whose rows were rolled back
        left.unlink()


def batch(caller, *, transfers=("basic", "multipart"), objects=((OID, 250_000),)):
    body = {"operation": "upload", "transfers": list(transfers), "objects": [{"oid": o, "size": s} for o, s in objects]}
    return caller.json("POST", BATCH, body)


def addresses(offered) -> list[str]:
    header = actions(offered)["upload"]["header"]
    return [local(header[key]) for key in sorted(header) if key.isdigit()]


def put(caller, url, content, **options):
    return caller.request("PUT", url, content, content_type="application/octet-stream", **options)


def send_all(stranger, offered, parts=PARTS) -> list[str]:
    return [put(stranger, url, part)["ETag"] for url, part in zip(addresses(offered), parts, strict=True)]


def complete(caller, offered, etags, oid=OID, **body):
    listed = [{"partNumber": number, "etag": etag} for number, etag in enumerate(etags, start=1)]
    return caller.json("POST", local(actions(offered)["upload"]["href"]), {"oid": oid, "parts": listed, **body})


def staged_parts() -> list[Path]:
    return list((Path(django_settings.STORAGE_URL.removeprefix("file://")) / "staged" / "parts").glob("*"))


def test_a_file_is_made_of_its_parts(repo, owner, stranger):
    offered = batch(owner)

    done = complete(stranger, offered, send_all(stranger, offered))
    owner.commit("ann/model", lfs_line("w.bin", OID, len(CONTENT)))

    assert (offered.json()["transfer"], done.status_code) == ("multipart", 200)
    assert actions(offered)["upload"]["header"].keys() == {"chunk_size", "00001", "00002", "00003"}
    assert body_of(stranger.get("/ann/model/resolve/main/w.bin")) == CONTENT
    assert not UploadPart.objects.exists()
    assert staged_parts() == []


def test_parts_are_for_large_files_and_clients_that_offer_them(repo, owner):
    large, small = (OID, len(CONTENT)), ("a" * 64, 10)

    assert batch(owner, transfers=["basic"]).json()["transfer"] == "basic"
    assert batch(owner, objects=[small]).json()["transfer"] == "basic"
    both = batch(owner, objects=[large, small]).json()
    assert both["transfer"] == "multipart"
    assert [len(one["actions"]["upload"]["header"]) - 1 for one in both["objects"]] == [3, 1]
    many = [(f"{number:064x}", 10**9) for number in range(11)]
    assert batch(owner, objects=many).status_code == 413


def test_a_part_that_broke_off_is_sent_again_by_itself(repo, owner, stranger):
    offered = batch(owner)
    first, second, third = addresses(offered)
    put(stranger, first, PARTS[0])
    broken = put(stranger, second, b"", **cut_off(PARTS[1][:100], announced=len(PARTS[1])))
    early = complete(stranger, offered, ["x", "y", "z"])

    again = batch(owner)  # another process goes on
    etags = [
        put(stranger, url, part)["ETag"]
        for url, part in ((addresses(again)[1], PARTS[1]), (addresses(again)[2], PARTS[2]))
    ]
    kept = UploadPart.objects.get(number=1).etag

    assert addresses(again) == [first, second, third]
    assert [broken.status_code, early.status_code] == [422, 400]
    assert complete(stranger, again, [kept, *etags]).status_code == 200


def test_a_part_sent_twice_counts_as_it_was_sent_last(repo, owner, stranger):
    offered = batch(owner)
    wrong = put(stranger, addresses(offered)[0], bytes(100_000))["ETag"]
    etags = send_all(stranger, offered)

    assert complete(stranger, offered, [wrong, *etags[1:]]).status_code == 400
    assert complete(stranger, offered, etags).status_code == 200


def test_a_token_that_is_revoked_stops_its_parts_and_their_completion(repo, owner, stranger, ann):
    offered = batch(owner)
    etags = send_all(stranger, offered)
    AccessToken.objects.filter(user=ann).delete()

    answers = [put(stranger, addresses(offered)[0], PARTS[0]), complete(stranger, offered, etags)]

    assert [answer.status_code for answer in answers] == [410, 410]
    assert not Blob.objects.filter(sha256=OID).exists()


def test_completion_asked_for_again_succeeds_again(repo, owner, stranger):
    offered = batch(owner)
    etags = send_all(stranger, offered)

    assert [complete(stranger, offered, etags).status_code for _ in range(2)] == [200, 200]
    assert put(stranger, addresses(offered)[0], PARTS[0]).status_code == 410


def test_parts_that_are_not_the_file_are_forgotten(repo, owner, stranger):
    offered = batch(owner)
    etags = send_all(stranger, offered, [bytes(100_000), *PARTS[1:]])

    refused = complete(stranger, offered, etags)

    assert (refused.status_code, refused["X-Error-Code"]) == (422, "HashMismatch")
    assert (staged_parts(), Blob.objects.filter(sha256=OID).exists()) == ([], False)
    assert complete(stranger, offered, send_all(stranger, offered)).status_code == 200


@pytest.mark.parametrize("content", [PARTS[0] + b"x", PARTS[0][:-1], b""])
def test_a_part_of_another_length_is_422(content, repo, owner, stranger):
    response = put(stranger, addresses(batch(owner))[0], content)

    assert (response.status_code, response["X-Error-Code"]) == (422, "SizeMismatch")
    assert staged_parts() == []


@pytest.mark.parametrize(
    "body",
    [
        {"oid": "b" * 64},
        {"parts": "x"},
        {"parts": [{"partNumber": 1}]},
        {"parts": [{"partNumber": True, "etag": "x"}]},
        {"parts": [{"partNumber": 2, "etag": "x"}]},
        {"parts": []},
    ],
)
def test_a_completion_that_is_not_understood_is_400(body, repo, owner, stranger):
    offered = batch(owner)
    etags = send_all(stranger, offered)

    assert complete(stranger, offered, etags, **body).status_code == 400


def test_addresses_of_parts_are_signed_numbered_and_end_with_the_right(repo, owner, stranger, ann):
    url = addresses(batch(owner))[0]
    forged = put(stranger, url[:-4] + "aaaa", PARTS[0])
    unknown = [put(stranger, url.replace("/parts/1?", f"/parts/{number}?"), PARTS[0]) for number in (0, 4, "x", 10**9)]
    ann.is_active = False
    ann.save()

    assert forged.status_code == 403
    assert [one.status_code for one in unknown] == [400] * 4
    assert put(stranger, url, PARTS[0]).status_code == 410


def test_who_gives_up_says_so_and_what_was_sent_is_dropped(repo, owner, stranger):
    offered = batch(owner)
    send_all(stranger, offered)

    answer = stranger.request("DELETE", local(actions(offered)["upload"]["href"]))

    assert (answer.status_code, staged_parts()) == (204, [])


@pytest.mark.parametrize("end", ["time", "repo"])
def test_parts_of_an_upload_that_is_over_are_dropped(end, repo, owner, stranger):
    offered = batch(owner)
    send_all(stranger, offered)
    assert upload_parts.expire() == 0

    if end == "time":
        Upload.objects.update(expires_at=F("expires_at") - timedelta(days=2))
    else:
        uploads.finish(Upload.objects.get())
    uploads.expire_uploads()

    assert upload_parts.expire() == 3
    assert staged_parts() == []
