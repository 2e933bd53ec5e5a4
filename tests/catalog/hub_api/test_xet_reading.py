"""Reads through Xet: which files, ranges of terms and of xorbs, and that an address opens nothing by itself."""

from __future__ import annotations

import hashlib
import os
import random

import pytest
from django.core import signing

from catalog.actions.incoming import uploads
from catalog.hub_api import xet_reading
from catalog.models import AccessToken, Blob, TreeEntry, User
from catalog.parsing.xorb_view import CHUNK_BYTES, XORB_BYTES, XorbView
from catalog.stores import blob_store
from tests.catalog.hub_api.conftest import Caller, body_of, lfs_line
from tests.catalog.hub_api.test_xet import cas_of
from tests.factories import token_of

SIZE = 5 * CHUNK_BYTES + 1000
CONTENT = random.Random(3).randbytes(SIZE)
SHA256 = hashlib.sha256(CONTENT).hexdigest()

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def everything_through_xet(settings):
    settings.XET_READS_ABOVE_BYTES = 1000


@pytest.fixture
def file(repo, owner, ann):
    uploads.store_bytes(repo=repo, actor=ann, chunks=[CONTENT])
    assert owner.commit("ann/model", lfs_line("big.bin", SHA256, SIZE)).status_code == 200
    return repo


def ask(cas: Caller, version=2, name=SHA256, span="", **options):
    headers = {"Range": f"bytes={span}"} if span else {}
    return cas.get(f"/v{version}/reconstructions/{name}", headers=headers, **options)


def path_of(url: str) -> str:
    return url.removeprefix("http://testserver")


def fetched(answer: dict) -> bytes:
    """What a client makes of a reconstruction: every chunk's content in order, its header taken off."""
    content = b""
    for term in answer["terms"]:
        (place,) = answer["xorbs"][term["hash"]]
        (part,) = place["ranges"]
        assert part["chunks"] == term["range"]
        span = f"bytes={part['bytes']['start']}-{part['bytes']['end']}"
        response = Caller().get(path_of(place["url"]), headers={"Range": span})
        assert response.status_code == 206
        stored = body_of(response)
        assert len(stored) == part["bytes"]["end"] + 1 - part["bytes"]["start"]
        at = 0
        for _ in range(term["range"]["start"], term["range"]["end"]):
            header = stored[at : at + 8]
            length = int.from_bytes(header[5:], "little")
            assert (header[:5], length <= CHUNK_BYTES) == (b"\0" + header[5:] + b"\0", True)
            content += stored[at + 8 : at + 8 + length]
            at += 8 + length
        assert at == len(stored)
    return content[answer["offset_into_first_range"] :]


def test_only_large_files_name_a_way_through_xet(file, owner, settings):
    resolved = owner.head("/ann/model/resolve/main/big.bin")
    listed = owner.get("/api/models/ann/model/tree/main").json()
    settings.XET_READS_ABOVE_BYTES = SIZE
    plain = owner.head("/ann/model/resolve/main/big.bin")
    plainly_listed = owner.get("/api/models/ann/model/tree/main").json()

    commit = resolved["X-Repo-Commit"]
    assert resolved["X-Xet-Hash"] == SHA256
    assert f'</api/models/ann/model/xet-read-token/{commit}>; rel="xet-auth"' in resolved["Link"].replace(
        "http://testserver", ""
    )
    assert {entry["path"]: entry.get("xetHash") for entry in listed} == {".gitattributes": None, "big.bin": SHA256}
    assert "X-Xet-Hash" not in plain
    assert not any("xetHash" in entry for entry in plainly_listed)


@pytest.mark.parametrize(
    ("span", "start", "end"),
    [
        ("", 0, SIZE),
        ("0-0", 0, 1),
        (f"{CHUNK_BYTES}-", CHUNK_BYTES, SIZE),
        (f"{CHUNK_BYTES - 1}-{CHUNK_BYTES}", CHUNK_BYTES - 1, CHUNK_BYTES + 1),
        (f"5-{SIZE + 99}", 5, SIZE),
        (f"{SIZE - 1}-{SIZE - 1}", SIZE - 1, SIZE),
    ],
)
def test_terms_hold_the_range_that_was_asked_for(span, start, end, file, reader):
    answer = ask(cas_of(reader, scope="read"), span=span).json()

    content = fetched(answer)
    assert content[: end - start] == CONTENT[start:end]
    assert len(content) - (end - start) < CHUNK_BYTES
    assert sum(term["unpacked_length"] for term in answer["terms"]) == answer["offset_into_first_range"] + len(content)


def test_version_1_names_the_same_ranges(file, reader):
    cas = cas_of(reader, scope="read")

    first, second = ask(cas, 1, span="200000-400000").json(), ask(cas, 2, span="200000-400000").json()

    assert first["terms"] == second["terms"]
    assert first["fetch_info"].keys() == second["xorbs"].keys() == {term["hash"] for term in first["terms"]}
    for name, (place,) in first["fetch_info"].items():
        assert second["xorbs"][name][0]["ranges"] == [{"chunks": place["range"], "bytes": place["url_range"]}]


@pytest.mark.parametrize("span", ["0-7", "3-12", f"{CHUNK_BYTES}-{CHUNK_BYTES + 20}", "7-7", "600000-"])
def test_any_range_of_a_xorb_is_that_part_of_the_whole(span, file, reader):
    url = path_of(next(iter(ask(cas_of(reader, scope="read"), 1).json()["fetch_info"].values()))[0]["url"])
    whole = body_of(Caller().get(url, headers={"Range": "bytes=0-"}))

    part = Caller().get(url, headers={"Range": f"bytes={span}"})

    start, _, last = span.partition("-")
    assert body_of(part) == whole[int(start) : int(last) + 1 if last else None]
    assert len(whole) == SIZE + 6 * 8


def parts_of(response) -> list[tuple[str, bytes]]:
    """The ranges and contents of a multipart answer."""
    body = body_of(response)
    assert len(body) == int(response["Content-Length"])
    boundary = response["Content-Type"].partition("boundary=")[2].encode()
    before, *parts, after = body.split(b"\r\n--" + boundary)
    assert (before, after) == (b"", b"--\r\n")
    found = [part.removeprefix(b"\r\n").partition(b"\r\n\r\n") for part in parts]
    return [(head.decode().rpartition("Content-Range: ")[2], content) for head, _, content in found]


def test_several_ranges_of_a_xorb_come_in_parts(file, reader):
    url = path_of(next(iter(ask(cas_of(reader, scope="read"), 1).json()["fetch_info"].values()))[0]["url"])
    whole = body_of(Caller().get(url, headers={"Range": "bytes=0-"}))
    size = len(whole)

    answer = Caller().get(url, headers={"Range": f"bytes=5-9, {CHUNK_BYTES}-{CHUNK_BYTES + 99},{size - 3}-{size + 50}"})

    assert answer.status_code == 206
    assert answer["Content-Type"].startswith("multipart/byteranges; boundary=")
    assert parts_of(answer) == [
        (f"bytes 5-9/{size}", whole[5:10]),
        (f"bytes {CHUNK_BYTES}-{CHUNK_BYTES + 99}/{size}", whole[CHUNK_BYTES : CHUNK_BYTES + 100]),
        (f"bytes {size - 3}-{size - 1}/{size}", whole[-3:]),
    ]


def test_ranges_that_ask_for_more_than_there_is_get_it_once(file, reader):
    url = path_of(next(iter(ask(cas_of(reader, scope="read"), 1).json()["fetch_info"].values()))[0]["url"])
    size = SIZE + 6 * 8

    for asked in ("bytes=0-,0-", "bytes=" + ",".join(["0-9"] * 65), "bytes=-5", "lines=1-2"):
        answer = Caller().get(url, headers={"Range": asked})
        assert (answer.status_code, answer["Content-Range"]) == (206, f"bytes 0-{size - 1}/{size}")
    only_one_fits = Caller().get(url, headers={"Range": f"bytes=3-4,{size}-"})
    assert only_one_fits["Content-Range"] == f"bytes 3-4/{size}"


def test_what_lies_behind_the_end_is_416(file, reader):
    cas = cas_of(reader, scope="read")
    url = path_of(next(iter(ask(cas, 1).json()["fetch_info"].values()))[0]["url"])

    assert ask(cas, span=f"{SIZE}-").status_code == 416
    assert Caller().get(url, headers={"Range": f"bytes={SIZE + 6 * 8}-"}).status_code == 416
    assert Caller().get(url[:-1] + "1").status_code == 404


def test_only_files_of_the_tokens_own_repo_are_known(file, owner, reader, other, ann):
    other.json("POST", "/api/repos/create", {"name": "theirs"})
    elsewhere = cas_of(other, "bob/theirs", scope="read")
    unknown = ask(elsewhere, name="a" * 64)

    for name in (SHA256, "short", "g" * 64):
        answer = ask(elsewhere, name=name)
        assert answer.status_code == 404
        assert {**answer.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}
    assert ask(cas_of(Caller(), scope="read")).status_code == 200  # a public repo, read by anybody


@pytest.mark.parametrize("end", ["private", "revoked", "blocked", "expired", "forged"])
def test_an_address_dies_with_the_right_behind_it(end, file, ann, other, monkeypatch):
    url = path_of(next(iter(ask(cas_of(other, scope="read"), 1).json()["fetch_info"].values()))[0]["url"])
    assert Caller().get(url).status_code == 206

    if end == "private":
        owner = Caller(token_of(ann))
        assert owner.json("PUT", "/api/models/ann/model/settings", {"private": True}).status_code == 200
    elif end == "revoked":
        AccessToken.objects.all().delete()
    elif end == "blocked":
        User.objects.filter(namespace__name="bob").update(is_active=False)
    elif end == "expired":
        monkeypatch.setattr(xet_reading, "SIGNED_URL_SECONDS", -1)
    else:
        url = f"/-/xorbs/{signing.dumps(['model', 'ann', 'model', SHA256, 0, 0], salt='other')}/0"

    assert Caller().get(url).status_code == 403


def test_damaged_bytes_are_not_sent(file, reader):
    cas = cas_of(reader, scope="read")
    Blob.objects.filter(sha256=SHA256).update(state=Blob.State.CORRUPT)

    assert ask(cas).status_code == 503


@pytest.fixture
def sparse(file, settings):
    """The stored file grown to 51 GB that take no room, its last bytes known; it keeps its sha256, which is a lie."""
    settings.XET_READS_ABOVE_BYTES = 50_000_000_000
    path = blob_store().local_path(SHA256)
    os.truncate(path, 51_000_000_000)
    with path.open("r+b") as stored:
        stored.seek(-4, os.SEEK_END)
        stored.write(b"last")
    Blob.objects.filter(sha256=SHA256).update(size=51_000_000_000)
    TreeEntry.objects.filter(blob__sha256=SHA256).update(size=51_000_000_000)
    yield
    path.unlink()


def test_a_file_of_51_gb_is_read_through_xet_to_its_last_byte(sparse, owner, reader):
    resolved = owner.head("/ann/model/resolve/main/big.bin")
    cas = cas_of(reader, scope="read")

    first = fetched(ask(cas, span=f"0-{SIZE - 1}").json())
    last = fetched(ask(cas, span="50995000000-").json())
    whole = ask(cas, span="0-").json()

    assert (resolved["X-Linked-Size"], resolved["X-Xet-Hash"]) == ("51000000000", SHA256)
    assert first[:SIZE] == CONTENT
    assert (len(last), last[-5:]) == (5_000_000, b"\0last")
    assert sum(term["unpacked_length"] for term in whole["terms"]) == 51_000_000_000


@pytest.mark.parametrize("size", [1, XORB_BYTES, XORB_BYTES + 1, 60_000_000_000])
def test_terms_of_any_size_cover_the_file_once(size):
    view = XorbView("0" * 64, size)

    terms = list(view.terms(0, size))

    assert sum(term.length for term in terms) == size
    assert [term.index for term in terms] == list(range(-(-size // XORB_BYTES)))
    assert all((term.start, term.stored_start) == (0, 0) for term in terms)
    assert view.xorb(len(terms)) is None
    assert len({view.xorb_hash(term.index) for term in terms}) == len(terms)
