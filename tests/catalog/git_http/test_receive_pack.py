"""Pushes, byte by byte: what is accepted, what is refused, and that a refusal leaves nothing behind."""

import hashlib
import re

import pytest

from catalog.actions import repos
from catalog.actions.community import pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.history import push_content
from catalog.actions.history.push_content import LARGEST_REGULAR_BYTES
from catalog.models import AuditEntry, Blob, Commit, Mirror, Repo, RepoBlob, TagObject, TreeEntry
from catalog.parsing import git_objects
from catalog.parsing.pack_writing import TAG
from catalog.queries import integrity, trees
from tests.catalog.git_http.conftest import IDENTITY, NOTHING, basic
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content, store

pytestmark = pytest.mark.django_db

MAIN = "refs/heads/main"


@pytest.fixture
def repo():
    return RepoFactory()


def head(repo, branch="main"):
    return repo.refs.get(kind="branch", name=branch).commit


def counts():
    changes = AuditEntry.objects.exclude(action__startswith="token.")
    return [changes.count(), *[one.objects.count() for one in (Commit, TreeEntry, Blob, RepoBlob, TagObject)]]


def test_a_pushed_commit_becomes_rows_that_agree_with_its_objects(repo, objects, push):
    raw_message = "Zażółć\n\nBody\n"
    new = objects.commit(objects.files(a=b"a\n", b=b"b\n"), head(repo).oid, message=raw_message)

    told = push(repo, repo.created_by, {MAIN: (head(repo).oid, new)}, objects, gzipped=True)

    assert told.report == {"unpack": "ok", MAIN: "ok"}
    commit = head(repo)
    assert (commit.oid, commit.title, commit.message, commit.author) == (new, "Zażółć", "Body", None)
    assert (commit.author_name, commit.author_email) == ("Ann", "ann@example.org")
    assert git_objects.object_id("commit", bytes(commit.raw)) == new
    assert [entry.path for entry in trees.entries_of(commit)] == ["a", "b"]
    assert not list(integrity.problems(with_data=True))
    repo.refresh_from_db()
    assert repo.facts.commit == commit


def test_signatures_and_unknown_headers_are_kept_byte_by_byte(repo, objects, push):
    headers = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\nencoding ISO-8859-2\n"
    new = objects.commit(objects.files(a=b"a"), head(repo).oid, headers=headers)

    assert push(repo, repo.created_by, {MAIN: (head(repo).oid, new)}, objects).report[MAIN] == "ok"

    assert headers.encode() in bytes(head(repo).raw)


def test_a_commit_with_the_pushers_own_address_is_theirs(repo, objects, push):
    user = repo.created_by
    user.email = "ann@example.org"
    user.save()
    new = objects.commit(objects.files(a=b"a"), head(repo).oid)

    push(repo, user, {MAIN: (head(repo).oid, new)}, objects)

    assert head(repo).author == user


LINK, FOLDER, SUBMODULE = 0o120000, 0o040000, 0o160000


def nested(objects, *names):
    """A chain of folders by these names with one file at its end."""
    oid = objects.files(file=b"x")
    for name in reversed(names):
        oid = objects.tree((FOLDER, name, oid))
    return oid


REFUSED_TREES = {
    "a submodule": (lambda made: made.tree((SUBMODULE, "sub", "a" * 40)), "submodule"),
    "an odd mode": (lambda made: made.tree((0o100664, "a", made.blob(b"a"))), "file mode"),
    "a .git folder": (lambda made: nested(made, "x", ".GIT"), "read as '.git'"),
    "a parent folder": (lambda made: nested(made, ".."), "empty, '.' or '..' part"),
    "a backslash": (lambda made: made.tree((0o100644, "a\\b", made.blob(b"a"))), "backslash"),
    "a control character": (lambda made: made.tree((0o100644, "a\x1b", made.blob(b"a"))), "control character"),
    "no UTF-8": (lambda made: made.tree((0o100644, "a\udcff", made.blob(b"a"))), "not valid UTF-8"),
    "a long path": (lambda made: nested(made, *["x" * 200] * 6), "longer than 1024"),
    "an empty folder": (lambda made: made.tree((FOLDER, "none", made.tree())), "empty"),
    "a link for .gitmodules": (lambda made: made.tree((LINK, ".gitmodules", made.blob(b"/etc"))), "symbolic link"),
    "a missing file": (lambda made: made.tree((0o100644, "a", "b" * 40)), "neither in the pack nor here"),
    "a missing folder": (lambda made: made.tree((FOLDER, "a", "b" * 40)), "neither in the pack nor here"),
    "a commit as a file": (lambda made: made.tree((0o100644, "a", made.commit("c" * 40))), "no blob"),
    "a file as a folder": (lambda made: made.tree((FOLDER, "a", made.blob(b"a"))), "no tree"),
    "unsorted": (lambda made: made.add(2, unsorted(made)), "not in git's order"),
    "twice the same name": (lambda made: made.add(2, doubled(made)), "malformed"),
    "a mode with a zero": (lambda made: made.add(2, b"0100644 a\0" + bytes.fromhex(made.blob(b"a"))), "malformed"),
    "a pointer in another hand": (
        lambda made: made.files(a=git_objects.pointer_text("a" * 64, 5) + b"\n"),
        "not written as git lfs writes it",
    ),
    "a pointer to what is not here": (
        lambda made: made.files(a=git_objects.pointer_text("a" * 64, 5)),
        "git lfs push --all",
    ),
    "a plain large file": (lambda made: made.files(a=bytes(LARGEST_REGULAR_BYTES + 1)), "Use git lfs"),
}


def unsorted(made):
    rows = [b"100644 %s\0" % name + bytes.fromhex(made.blob(b"a")) for name in (b"b", b"a")]
    return b"".join(rows)


def doubled(made):
    return b"100644 a\0" + bytes.fromhex(made.blob(b"a")) + b"40000 a\0" + bytes.fromhex(made.files(x=b""))


@pytest.mark.parametrize("name", REFUSED_TREES)
def test_dangerous_and_incomplete_trees_are_refused_and_leave_nothing(repo, objects, push, name):
    make, reason = REFUSED_TREES[name]
    old, before = head(repo).oid, counts()
    new = objects.commit(make(objects), old)

    told = push(repo, repo.created_by, {MAIN: (old, new)}, objects)

    assert told.status == 200
    assert told.report[MAIN] != "ok"
    assert reason in told.message
    assert (head(repo).oid, counts()) == (old, before)


REFUSED_COMMITS = {
    "no author": b"tree %(tree)s\ncommitter A <a@b> 1 +0000\n\nx",
    "two trees": b"tree %(tree)s\ntree %(tree)s\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx",
    "no time": b"tree %(tree)s\nauthor A <a@b>\ncommitter A <a@b> 1 +0000\n\nx",
    "a NUL": b"tree %(tree)s\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\0y",
    "nothing": b"",
    "a missing parent": b"tree %(tree)s\nparent "
    + b"d" * 40
    + b"\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n",
}


@pytest.mark.parametrize("name", REFUSED_COMMITS)
def test_commits_git_would_complain_about_are_refused(repo, objects, push, name):
    old, before = head(repo).oid, counts()
    new = objects.add(1, REFUSED_COMMITS[name] % {b"tree": objects.files(a=b"a").encode()})

    told = push(repo, repo.created_by, {MAIN: (old, new)}, objects)

    assert told.report[MAIN] != "ok"
    assert told.report["unpack"] != "ok"
    assert counts() == before


@pytest.mark.parametrize("pack", [b"", b"PACK", b"PACK" + bytes(28), b"not a pack at all, just some bytes of text"])
def test_what_is_no_pack_is_refused(repo, push, pack):
    told = push(repo, repo.created_by, {MAIN: (head(repo).oid, "a" * 40)}, pack)

    assert told.report["unpack"] != "ok"
    assert told.report[MAIN] != "ok"


def test_refs_move_only_from_where_the_pusher_saw_them(repo, objects, push):
    old = head(repo).oid
    new = objects.commit(objects.files(a=b"a"), old)
    updates = {
        MAIN: ("a" * 40, new),
        "refs/heads/fresh": (NOTHING, new),
        "refs/heads/gone": (old, NOTHING),
        "refs/notes/commits": (NOTHING, new),
        "refs/heads/" + "a" * 40: (NOTHING, new),
        "refs/pr/1": (NOTHING, new),
    }

    atomic = push(repo, repo.created_by, updates, objects, abilities="report-status side-band-64k atomic")
    single = push(repo, repo.created_by, updates, objects)

    assert "ok" not in {reason for ref, reason in atomic.report.items() if ref != "unpack"}
    assert [ref for ref, reason in single.report.items() if reason == "ok"] == ["unpack", "refs/heads/fresh"]
    assert single.report[MAIN] == "it has moved; fetch first"
    assert head(repo).oid == old
    assert head(repo, "fresh").oid == new


def test_annotated_tags_are_kept_as_they_came(repo, objects, push):
    new = objects.commit(objects.files(a=b"a"), head(repo).oid)
    tag = objects.add(TAG, f"object {new}\ntype commit\ntag v1\ntagger {IDENTITY}\n\nFirst\n".encode())
    blob_tag = objects.add(TAG, f"object {objects.blob(b'x')}\ntype blob\ntag x\ntagger {IDENTITY}\n\nx\n".encode())

    told = push(repo, repo.created_by, {"refs/tags/v1": (NOTHING, tag)}, objects)
    moved = push(repo, repo.created_by, {"refs/tags/v1": (tag, new)}, objects)
    again = push(repo, repo.created_by, {"refs/tags/v1": (new, tag)}, objects)
    others = [
        push(repo, repo.created_by, {"refs/tags/x": (NOTHING, blob_tag)}, objects),
        push(repo, repo.created_by, {"refs/heads/x": (NOTHING, tag)}, objects),
    ]

    assert [one.report["refs/tags/v1"] for one in (told, moved, again)] == ["ok"] * 3
    ref = repo.refs.get(kind="tag", name="v1")
    assert (ref.commit.oid, ref.tag_object.oid, ref.message) == (new, tag, "First")
    assert all("ok" not in list(one.report.values())[1:] for one in others)


def test_files_of_earlier_commits_need_not_be_sent_again(repo, objects, push):
    earlier = commit_content(repo, {"keep.txt": b"kept", "sub/deep.txt": b"deep"})
    later = commit_content(repo, {"keep.txt": b"changed", "sub/deep.txt": b"changed"})
    new = objects.commit(earlier.tree_oid, later.oid)

    told = push(repo, repo.created_by, {MAIN: (later.oid, new)}, objects)

    assert told.report[MAIN] == "ok", told.message
    assert {entry.path: entry.oid for entry in trees.entries_of(head(repo), recursive=True)} == {
        entry.path: entry.oid for entry in trees.entries_of(earlier, recursive=True)
    }
    assert not list(integrity.problems(with_data=True))


def test_a_push_may_change_only_so_many_files_over_all_its_commits(repo, objects, push, monkeypatch):
    start = head(repo)
    roots = [objects.files(a=b"1", b=b"2"), objects.files(c=b"3", d=b"4")]
    commits = [start.oid]
    for turn in range(4):  # few objects, but each commit replaces all files of the one before
        commits.append(objects.commit(roots[turn % 2], commits[-1], message=f"turn {turn}\n"))

    with monkeypatch.context() as patched:
        patched.setattr(push_content, "MOST_CHANGES", 5)
        refused = push(repo, repo.created_by, {MAIN: (start.oid, commits[-1])}, objects)
    told = push(repo, repo.created_by, {MAIN: (start.oid, commits[-1])}, objects)

    assert "push in steps" in refused.message
    assert told.report == {"unpack": "ok", MAIN: "ok"}
    assert sorted(TreeEntry.objects.at(head(repo)).values_list("path", flat=True)) == ["c", "d"]
    assert list(integrity.problems(with_data=True)) == []


def test_objects_of_other_repos_are_as_unknown_as_any(objects, push):
    secret, mine = RepoFactory(visibility="private"), RepoFactory()
    theirs = commit_content(secret, {"secret.txt": b"secret", "big.bin": b"b" * 500}, lfs=("big.bin",))
    entry = trees.file_at(theirs, "secret.txt")
    pointer = git_objects.pointer_text(hashlib.sha256(b"b" * 500).hexdigest(), 500)
    told = []
    for tree in (objects.tree((0o100644, "x", entry.oid)), theirs.tree_oid, objects.files(x=pointer)):
        new = objects.commit(tree, head(mine).oid)
        told.append(push(mine, mine.created_by, {MAIN: (head(mine).oid, new)}, objects))
    told.append(push(mine, mine.created_by, {MAIN: (head(mine).oid, theirs.oid)}, objects))

    assert all(one.report[MAIN] != "ok" for one in told)


def test_a_pointer_counts_once_the_bytes_are_here(repo, objects, push):
    sha256 = store(repo, b"large" * 1000)
    new = objects.commit(objects.files(x=git_objects.pointer_text(sha256, 5000)), head(repo).oid)

    assert push(repo, repo.created_by, {MAIN: (head(repo).oid, new)}, objects).report[MAIN] == "ok"

    entry = trees.file_at(head(repo), "x")
    assert (entry.is_lfs, entry.size, entry.blob.sha256) == (True, 5000, sha256)
    assert not list(integrity.problems(with_data=True))


def test_names_that_collide_are_kept_and_marked(repo, objects, push):
    tree = objects.tree((0o100644, "A", objects.blob(b"1")), (0o100644, "a", objects.blob(b"2")))

    push(repo, repo.created_by, {MAIN: (head(repo).oid, objects.commit(tree, head(repo).oid))}, objects)

    repo.facts.refresh_from_db()
    assert [problem["path"] for problem in repo.facts.file_problems] == ["a"]


ROLES = ("anonymous", "stranger", "reader", "writer", "owner")


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_who_may_push(objects, push, visibility):
    reader, writer, owner = UserFactory(), UserFactory(), UserFactory()
    team = OrganisationFactory(admin=owner, members={"read": [reader], "write": [writer]})
    repo = RepoFactory(namespace=team.namespace, actor=owner, visibility=visibility)
    new = objects.commit(objects.files(a=b"a"), head(repo).oid)
    people = dict(zip(ROLES, (None, UserFactory(), reader, writer, owner), strict=True))

    told = {role: push(repo, user, {f"refs/heads/{role}": (NOTHING, new)}, objects) for role, user in people.items()}

    stranger = 403 if visibility == "public" else 404
    assert [told[role].status for role in ROLES] == [401, stranger, 403, 200, 200]
    assert told["anonymous"].headers["WWW-Authenticate"].startswith("Basic ")
    assert sorted(repo.refs.values_list("name", flat=True)) == ["main", "owner", "writer"]


def test_absent_and_hidden_repos_answer_alike(raw_client):
    hidden = RepoFactory(visibility="private")
    absent = Repo(namespace=hidden.namespace, name="none-such", kind=hidden.kind)
    answers = {}
    for repo in (hidden, absent):
        for service in ("git-upload-pack", "git-receive-pack"):
            asked = [raw_client.get(f"{repo.web_path}/info/refs?service={service}")]
            asked.append(raw_client.post(f"{repo.web_path}.git/{service}", b"0000", content_type="text/plain"))
            told = [(one.status_code, one.content, one.headers["WWW-Authenticate"]) for one in asked]
            answers[repo.name, service] = told

    assert answers[hidden.name, "git-upload-pack"] == answers[absent.name, "git-upload-pack"]
    assert answers[hidden.name, "git-receive-pack"] == answers[absent.name, "git-receive-pack"]
    assert {status for told in answers.values() for status, _, _ in told} == {401}


def test_a_mirror_is_not_pushed_to(objects, push):
    repo = RepoFactory(initial_commit=False)
    Mirror.objects.create(repo=repo, source="huggingface", endpoint="http://hub.example", upstream_name="a/b")

    told = push(repo, repo.created_by, {MAIN: (NOTHING, objects.commit(objects.files(a=b"a")))}, objects)

    assert (told.status, told.content) == (403, b"This is a mirror; duplicate it to edit.\n")


def test_the_author_of_a_pull_request_pushes_to_its_ref_and_nowhere_else(repo, objects, push):
    author = UserFactory()
    base = head(repo).oid
    number = pull_requests.open_pull_request(repo=repo, proposal=Proposal("Mine"), actor=author, status="open").num
    new = objects.commit(objects.files(a=b"a"), base)

    mine = push(repo, author, {f"refs/pr/{number}": (base, new)}, objects)
    main = push(repo, author, {MAIN: (base, new)}, objects)
    gone = push(repo, author, {f"refs/pr/{number}": (new, NOTHING)})

    assert mine.report[f"refs/pr/{number}"] == "ok", mine.message
    assert repo.refs.get(kind="pr", name=str(number)).commit.oid == new
    assert main.status == 403
    assert re.search("closed, not deleted", gone.report[f"refs/pr/{number}"])
    assert head(repo).oid == base


def test_an_empty_push_asks_for_the_right_alone(repo, push):
    assert push(repo, repo.created_by, {}).status == 200
    assert push(repo, None, {}).status == 401


def test_a_push_that_is_no_push_is_told_so(repo, raw_client):
    user = repo.created_by
    for body in (b"zzzz", b"0005", b"000bhello\n0000", b"00a0"):
        answer = raw_client.post(
            f"{repo.web_path}/git-receive-pack",
            body,
            content_type="application/x-git-receive-pack-request",
            HTTP_AUTHORIZATION=basic(user),
        )
        assert answer.status_code == 400, body


def test_a_deleted_repo_is_gone_for_git(repo, push):
    repos.delete_repo(repo=repo, actor=repo.created_by)

    assert push(repo, repo.created_by, {}).status == 404
