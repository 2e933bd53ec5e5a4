"""One file by HEAD and GET: headers, ranges, conditions, and what strangers must not learn."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now

from catalog.actions.history.refs import create_tag
from catalog.models import Blob
from catalog.queries import found_files, trees
from tests.catalog.hub_api.conftest import body_of
from tests.factories import RepoFactory, UserFactory, commit_content, token_of

CONTENT = bytes(range(256)) * 4
URL = "/ann/model/resolve/main/sub/w.bin"


@pytest.fixture
def commit(repo):
    files = {
        "README.md": b"# Hi\n",
        "sub/w.bin": CONTENT,
        "page.html": b"<script>alert(1)</script>",
        "lie.png": b"<svg/>",
        "dot.png": b"\x89PNG\r\n\x1a\n....",
        'quo"te\u017c.txt': b"x",
        "empty.bin": b"",
        "empty.png": b"",
    }
    return commit_content(repo, files, lfs=("sub/w.bin",))


def sha256_of(repo) -> str:
    return repo.repo_blobs.get(blob__size=len(CONTENT)).blob.sha256


def test_head_tells_everything_without_opening_the_file(commit, repo, owner):
    Blob.objects.filter(size=len(CONTENT)).update(sha256="e" * 64)  # a file that is not there

    response = owner.head(URL)

    assert response.status_code == 200
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["ETag"] == response["X-Linked-Etag"] == f'"{"e" * 64}"'
    assert response["X-Linked-Size"] == str(len(CONTENT))
    assert response["X-Repo-Commit"] == commit.oid
    assert response["Accept-Ranges"] == "bytes"


FILES = ["README.md", "sub/w.bin", "page.html", "lie.png", "dot.png", "empty.png", "empty.bin"]


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("route", ["resolve", "raw"])
def test_head_says_what_get_says(route, path, commit, stranger):
    url = f"/ann/model/{route}/main/{path}"

    head, get = stranger.head(url), stranger.get(url)

    body_of(get)
    told = [{**answer.headers, "X-Request-Id": "", "RateLimit": ""} for answer in (head, get)]
    assert told[0] == told[1]
    assert (head.status_code, body_of(head)) == (get.status_code, b"")


def test_head_costs_two_queries(commit, owner, django_assert_num_queries):
    owner.head(URL)  # the token's last use is noted now and then

    with django_assert_num_queries(2):  # whose token; which file of which repo
        owner.head(URL)


@pytest.mark.parametrize("change", ["revoked", "blocked", "private", "gated", "deleted"])
def test_what_a_reader_loses_is_lost_with_the_very_next_request(commit, repo, raw_client, change):
    reader = UserFactory()
    headers = {"Authorization": f"Bearer {token_of(reader)}"}
    assert raw_client.head(URL, headers=headers).status_code == 200

    if change == "revoked":
        reader.tokens.all().delete()
    elif change == "blocked":
        type(reader).objects.filter(pk=reader.pk).update(is_active=False)
    else:
        changed = {"private": {"visibility": "private"}, "gated": {"gate": "manual"}, "deleted": {"deleted_at": Now()}}
        type(repo).objects.filter(pk=repo.pk).update(**changed[change])

    expected = {"revoked": 401, "blocked": 401, "private": 404, "gated": 403, "deleted": 404}
    assert raw_client.head(URL, headers=headers).status_code == expected[change]


def test_the_short_way_finds_what_the_long_way_finds(commit, repo):
    again = commit_content(repo, {"sub/w.bin": b"newer"}, lfs=("sub/w.bin",))
    create_tag(repo=repo, name="v1", revision=commit.oid, actor=repo.created_by)

    for revision in ("main", "v1", commit.oid, again.oid):
        for path in ("sub/w.bin", "README.md"):
            found = found_files.find_file(None, "model", "Ann", "MODEL", revision=revision, path=path)
            long_way = trees.resolve_revision(repo, revision)

            assert found == (repo, long_way, trees.file_at(long_way, path))
            assert found[2].blob == trees.file_at(long_way, path).blob

    for revision, path in (("main", "sub"), ("main", "none"), ("none", "README.md"), ("f" * 40, "README.md")):
        assert found_files.find_file(None, "model", "ann", "model", revision=revision, path=path) is None


def test_get_sends_the_large_file_and_raw_its_pointer(commit, repo, stranger):
    whole, pointer = stranger.get(URL), stranger.get("/ann/model/raw/main/sub/w.bin")

    assert body_of(whole) == CONTENT
    assert whole["X-Linked-Etag"] == f'"{sha256_of(repo)}"'
    assert pointer.content == (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256_of(repo)}\nsize {len(CONTENT)}\n".encode()
    )


def test_a_regular_file_is_named_by_its_git_id(commit, stranger):
    response = stranger.get("/ann/model/resolve/main/README.md")

    assert len(response["ETag"].strip('"')) == 40
    assert "X-Linked-Etag" not in response
    assert body_of(response) == b"# Hi\n"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=1000-", 1000, 1024),
        ("bytes=-24", 1000, 1024),
        ("bytes=-5000", 0, 1024),
        ("bytes=1000-99999", 1000, 1024),
    ],
)
def test_single_ranges_are_cut_out_and_clipped(asked, start, end, commit, stranger):
    response = stranger.get(URL, headers={"Range": asked})

    is_whole = (start, end) == (0, 1024)
    assert response.status_code == (200 if is_whole else 206)
    assert body_of(response) == CONTENT[start:end]
    assert response["Content-Length"] == str(end - start)
    if not is_whole:
        assert response["Content-Range"] == f"bytes {start}-{end - 1}/1024"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=5-1", "items=0-1", "bytes=a-b", "bytes=-"])
def test_other_ranges_mean_the_whole_file(asked, commit, stranger):
    response = stranger.get(URL, headers={"Range": asked})

    assert response.status_code == 200
    assert body_of(response) == CONTENT


@pytest.mark.parametrize(
    ("path", "asked", "size"),
    [("sub/w.bin", "bytes=1024-", 1024), ("sub/w.bin", "bytes=-0", 1024), ("empty.bin", "bytes=0-", 0)],
)
def test_a_range_behind_the_end_is_416_with_the_size(path, asked, size, commit, stranger):
    response = stranger.get(f"/ann/model/resolve/main/{path}", headers={"Range": asked})

    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{size}"


@pytest.mark.parametrize("template", ['"{}"', 'W/"{}"', '"x", "{}"', "*"])
def test_a_known_file_is_304_without_a_body(template, commit, repo, stranger):
    response = stranger.get(URL, headers={"If-None-Match": template.format(sha256_of(repo))})

    assert response.status_code == 304
    assert body_of(response) == b""
    assert response["X-Repo-Commit"] == commit.oid


@pytest.mark.parametrize(("condition", "status"), [('"{}"', 206), ('"other"', 200), ('W/"{}"', 200)])
def test_a_resumed_download_checks_that_the_file_is_the_same(condition, status, commit, repo, stranger):
    headers = {"Range": "bytes=1-2", "If-Range": condition.format(sha256_of(repo))}

    response = stranger.get(URL, headers=headers)

    assert response.status_code == status
    body_of(response)


def test_nothing_runs_in_the_browser(commit, stranger):
    page, lie, dot = (stranger.get(f"/ann/model/resolve/main/{name}") for name in ("page.html", "lie.png", "dot.png"))

    for response in (page, lie):
        assert response["Content-Type"] == "application/octet-stream"
        assert response["Content-Disposition"].startswith("attachment;")
    assert dot["Content-Type"] == "image/png"
    for response in (page, lie, dot):
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
        body_of(response)


def test_file_names_cannot_break_out_of_their_header(commit, stranger):
    response = stranger.head("/ann/model/resolve/main/quo%22te%C5%BC.txt")

    assert response["Content-Disposition"] == ("inline; filename*=UTF-8''quote%C5%BC.txt; filename=\"quote_.txt\";")


def test_a_missing_file_is_remembered_by_its_commit(commit, stranger):
    response = stranger.head("/ann/model/resolve/main/nothing.json")

    assert response.status_code == 404
    assert response["X-Error-Code"] == "EntryNotFound"
    assert response["X-Repo-Commit"] == commit.oid


def test_a_folder_is_no_file(commit, stranger):
    assert stranger.head("/ann/model/resolve/main/sub")["X-Error-Code"] == "EntryNotFound"


def test_private_files_stay_private_in_every_header(private_repo, owner, other, stranger):
    commit_content(private_repo, {"a.txt": b"secret"})
    url = "/ann/secret/resolve/main/a.txt"

    response = owner.get(url)

    assert response["Cache-Control"] == "private, no-store"
    etag = response["ETag"]
    body_of(response)
    for caller in (other, stranger):
        refused = caller.get(url, headers={"If-None-Match": etag, "Range": "bytes=0-1"})
        assert refused["X-Error-Code"] == "RepoNotFound"
        assert not {"ETag", "X-Repo-Commit", "Content-Range", "Accept-Ranges"} & set(refused.headers)


def test_damaged_bytes_are_503_and_never_sent(commit, stranger):
    Blob.objects.update(state=Blob.State.CORRUPT)

    response = stranger.get(URL)

    assert response.status_code == 503
    assert response["X-Error-Code"] == "BlobUnavailable"


def test_behind_nginx_the_body_is_named_and_not_sent(commit, repo, stranger, settings):
    settings.SENDFILE = "x-accel"

    response = stranger.get(URL, headers={"Range": "bytes=0-1"})

    sha256 = sha256_of(repo)
    assert response["X-Accel-Redirect"] == f"/-/blobs/sha256/{sha256[:2]}/{sha256[2:4]}/{sha256}"
    assert response.content == b""


def test_datasets_have_their_own_addresses(ann, stranger):
    commit_content(RepoFactory(actor=ann, name="data", kind="dataset"), {"a.csv": b"a,b\n"})

    response = stranger.get("/datasets/ann/data/resolve/main/a.csv")

    assert body_of(response) == b"a,b\n"
    assert stranger.get("/ann/data/resolve/main/a.csv")["X-Error-Code"] == "RepoNotFound"
