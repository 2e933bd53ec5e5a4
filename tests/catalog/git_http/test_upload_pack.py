"""Fetches: every object that is needed and none twice, in either protocol; and who gets none."""

import random

import pytest

from catalog.actions import repos
from catalog.actions.community import pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.history import commits, squash
from catalog.models import Blob, Commit, Mirror, RemovedFile, Repo
from catalog.parsing import git_objects
from catalog.parsing.pkt_line import FLUSH, packet
from catalog.queries import trees
from catalog.types import AddFile, DeleteFile, UpstreamCommit
from tests.catalog.git_http.conftest import NOTHING, Objects, basic, packets
from tests.factories import RepoFactory, UserFactory, commit_content, store

pytestmark = pytest.mark.django_db


def reachable(objects, start):
    """Every id that a commit needs, by git's own links; those not among `objects` too."""
    found, waiting = set(), [start]
    while waiting:
        oid = waiting.pop()
        if oid in found:
            continue
        found.add(oid)
        kind, body = objects.get(oid, ("", b""))
        if kind == "commit":
            fields = git_objects.parse_commit(body)
            waiting += [fields.tree, *fields.parents]
        elif kind == "tree":
            waiting += [item.oid for item in git_objects.parse_tree(body)]
    return found


def wander(repo, dice, steps):
    """A history with forks, deletions, moves back and forth, large files, squashes; returns the commits."""
    made = [commit_content(repo, {"a.txt": b"a", "x/y/z.txt": b"z"})]
    branches = ["main"]
    paths = ["a.txt", "b.txt", "x/c.txt", "x/y/z.txt", "x/y/w.txt", "v/u.bin"]
    for step in range(steps):
        branch = dice.choice(branches)
        if dice.random() < 0.2:
            name = f"branch{step}"
            commits.create_branch(repo=repo, name=name, start=dice.choice(made).oid, actor=repo.created_by)
            branches.append(name)
        if dice.random() < 0.05:
            made.append(squash.squash_history(repo=repo, branch=branch, actor=repo.created_by))
        present = set(commits_paths(repo, branch))
        changes = []
        for path in dice.sample(paths, dice.randint(1, 3)):
            if path in present and dice.random() < 0.4:
                changes.append(DeleteFile(path))
            else:
                content = b"%d" % dice.randint(0, 3)
                changes.append(AddFile(path, store(repo, content), as_lfs=path.endswith(".bin")))
        made.append(
            commits.commit_files(repo=repo, branch=branch, changes=changes, title=f"step {step}", actor=repo.created_by)
        )
    return made


def commits_paths(repo, branch):
    return [entry.path for entry in trees.entries_of(trees.resolve_revision(repo, branch), recursive=True)]


@pytest.mark.parametrize("seed", range(2))
def test_any_fetch_completes_what_the_client_has(fetch, seed):
    dice, repo = random.Random(seed), RepoFactory()
    made = wander(repo, dice, 25)
    everything = fetch(repo, {commit.oid for commit in made})

    for _ in range(12):
        has, wants = dice.choice(made).oid, dice.choice(made).oid
        held = reachable(everything, has)
        sent = fetch(repo, [wants], [has])
        assert reachable(everything, wants) <= held | set(sent)
        assert set(sent) <= reachable(everything, wants)
    assert all(reachable(everything, commit.oid) <= set(everything) for commit in made)


def test_pull_requests_and_squashed_histories_are_fetched_by_id(fetch):
    repo = RepoFactory()
    commit_content(repo, {"a.txt": b"a"})
    opened = pull_requests.open_pull_request(repo=repo, proposal=Proposal("Mine"), actor=repo.created_by)
    offered = commit_content(repo, {"b.txt": b"b"}, branch=opened.git_ref)
    squashed = squash.squash_history(repo=repo, branch="main", actor=repo.created_by)

    for commit in (offered, squashed):
        objects = fetch(repo, [commit.oid])
        assert reachable(objects, commit.oid) == set(objects)


def test_a_file_deleted_for_good_keeps_its_pointer_in_git(fetch):
    repo = RepoFactory()
    commit = commit_content(repo, {"big.bin": b"b" * 3000}, lfs=("big.bin",))
    entry = commit.line.entries.get(path="big.bin")
    RemovedFile.objects.create(repo=repo, sha256=entry.blob.sha256, size=entry.size, pointer_oid=entry.oid)
    text = git_objects.pointer_text(entry.blob.sha256, entry.size)
    commit.line.entries.filter(path="big.bin").update(blob=None)

    assert fetch(repo, [commit.oid])[entry.oid] == ("blob", text)


def test_a_damaged_file_is_never_sent(raw_client):
    repo = RepoFactory()
    commit = commit_content(repo, {"a.txt": b"some content"})
    Blob.objects.filter(git_sha1=commit.line.entries.get(path="a.txt").oid).update(state=Blob.State.CORRUPT)
    body = packet("command=fetch") + b"0001" + packet(f"want {commit.oid}") + packet("done") + FLUSH

    answer = raw_client.post(
        f"{repo.web_path}/git-upload-pack",
        body,
        content_type="application/x-git-upload-pack-request",
        HTTP_GIT_PROTOCOL="version=2",
    )

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def v2(raw_client, repo, *lines, command="fetch", user=None):
    body = packet(f"command={command}") + b"0001" + b"".join(map(packet, lines)) + FLUSH
    return raw_client.post(
        f"{repo.web_path}.git/git-upload-pack",
        body,
        content_type="application/x-git-upload-pack-request",
        HTTP_GIT_PROTOCOL="version=2",
        **({"HTTP_AUTHORIZATION": basic(user)} if user else {}),
    )


def test_what_no_commit_of_the_repo_holds_is_not_given_out(raw_client):
    secret, repo = RepoFactory(visibility="private"), RepoFactory()
    theirs = commit_content(secret, {"secret.txt": b"secret"})
    blob = theirs.line.entries.get(path="secret.txt").oid
    waiting = Blob.objects.get(sha256=store(repo, b"never committed")).git_sha1

    for oid in (theirs.oid, blob, waiting, "a" * 40):
        answer = v2(raw_client, repo, f"want {oid}", "done")
        assert b"".join(answer.streaming_content) == packet(f"ERR upload-pack: not our ref {oid}")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["done"], "wants nothing"),
        (["want xyz"], "no object id"),
        ([f"want {'a' * 40}", "deepen 99999999999"], "no number"),
        (["packfile-uris https"], "not known here"),
        ([f"want {'a' * 40}", "filter sparse:oid=x"], "not supported"),
    ],
)
def test_bad_requests_are_told_in_words_git_prints(raw_client, lines, told):
    answer = v2(raw_client, RepoFactory(), *lines)

    content = b"".join(answer.streaming_content)
    assert content[4:].startswith(b"ERR ")
    assert told in content.decode()


def test_the_negotiation_ends_when_every_want_leads_to_something_common(raw_client):
    repo = RepoFactory()
    first = commit_content(repo, {"a": b"1"})
    second = commit_content(repo, {"a": b"2"})
    alone = squash.squash_history(repo=repo, branch="main", actor=repo.created_by)

    def asked(*wants, haves):
        answer = v2(raw_client, repo, *[f"want {oid}" for oid in wants], *[f"have {oid}" for oid in haves])
        content = b"".join(answer.streaming_content)
        return [line.decode() for line in packets(content.partition(b"0001")[0])]

    ready = asked(second.oid, haves=[first.oid, "a" * 40])
    assert ready == ["acknowledgments\n", f"ACK {first.oid}\n", "ready\n"]
    assert asked(second.oid, alone.oid, haves=[first.oid])[:3] == ["acknowledgments\n", f"ACK {first.oid}\n", ""]
    assert asked(second.oid, haves=["a" * 40])[:2] == ["acknowledgments\n", "NAK\n"]


def test_an_old_client_without_side_bands_gets_the_bare_pack(raw_client):
    repo = RepoFactory()
    commit = commit_content(repo, {"a": b"1"})
    body = packet(f"want {commit.oid}\n") + FLUSH + packet("done\n")

    answer = raw_client.post(
        f"{repo.web_path}/git-upload-pack", body, content_type="application/x-git-upload-pack-request"
    )

    assert b"".join(answer.streaming_content).startswith(b"0008NAK\nPACK\0\0\0\2")


def test_a_repo_without_commits_is_cloned_empty(raw_client):
    repo = RepoFactory(initial_commit=False)

    old = raw_client.get(f"{repo.web_path}/info/refs?service=git-upload-pack").content
    new = v2(raw_client, repo, "symrefs", "unborn", command="ls-refs")

    assert b"0" * 40 + b" capabilities^{}\0" in old
    assert b"".join(new.streaming_content) == packet("unborn HEAD symref-target:refs/heads/main\n") + FLUSH


@pytest.fixture
def mirror():
    repo = RepoFactory(initial_commit=False)
    Mirror.objects.create(repo=repo, source="huggingface", endpoint="http://hub.example", upstream_name="a/b")
    return repo


def test_a_mirror_whose_ids_are_only_stated_says_why_it_cannot_be_cloned(mirror, raw_client):
    line = mirror.lines.create(tip_seq=1)
    commit = Commit.objects.create(
        repo=mirror, oid="b" * 40, tree_oid=git_objects.EMPTY_TREE_ID, line=line, seq=1, title="x", upstream_stated=True
    )
    mirror.refs.create(name="main", commit=commit)

    answers = [
        raw_client.get(f"{mirror.web_path}.git/info/refs?service=git-upload-pack"),
        v2(raw_client, mirror, command="ls-refs"),
        v2(raw_client, mirror, f"want {commit.oid}", "done"),
    ]

    assert [answer.status_code for answer in answers] == [501] * 3
    assert all(b"stated by its source" in answer.content for answer in answers)


def test_a_mirror_with_true_commits_is_cloned_as_shallow(mirror, raw_client, fetch):
    made = Objects()
    tree = made.files(a=b"a")
    oid = made.commit(tree, "c" * 40)
    raw = made.bodies[-1][1]
    fields = git_objects.parse_commit(raw)
    sha256 = store(mirror, b"a")
    upstream = UpstreamCommit(oid, raw, "Pushed", "", "Ann", "ann@example.org", fields.committer_time)
    commits.record_upstream_commit(repo=mirror, branch="main", changes=[AddFile("a", sha256)], upstream=upstream)

    old = raw_client.get(f"{mirror.web_path}/info/refs?service=git-upload-pack").content
    new = b"".join(v2(raw_client, mirror, f"want {oid}", "done").streaming_content)

    assert packet(f"shallow {oid}\n") in old
    assert new.startswith(packet("shallow-info\n") + packet(f"shallow {oid}\n") + b"0001")
    assert set(fetch(mirror, [oid])) == {oid, tree, git_objects.object_id("blob", b"a")}


def test_gated_files_are_not_cloned_without_a_grant(raw_client):
    repo = RepoFactory()
    commit = commit_content(repo, {"a": b"1"})
    Repo.objects.filter(pk=repo.pk).update(gate=Repo.Gate.MANUAL)

    for user, status in ((None, 401), (UserFactory(), 403), (repo.created_by, 200)):
        header = {"HTTP_AUTHORIZATION": basic(user)} if user else {}
        refs = raw_client.get(f"{repo.web_path}/info/refs?service=git-upload-pack", **header)
        pack = v2(raw_client, repo, f"want {commit.oid}", "done", user=user)
        assert (refs.status_code, pack.status_code) == (status, status)


def test_only_the_smart_protocol_and_the_right_methods_are_served(raw_client):
    repo = RepoFactory()

    assert raw_client.get(f"{repo.web_path}/info/refs").status_code == 400
    assert raw_client.post(f"{repo.web_path}/info/refs").status_code == 405
    assert raw_client.get(f"{repo.web_path}/git-upload-pack").headers["Allow"] == "POST"
    assert raw_client.post(f"{repo.web_path}/git-upload-pack", b"", content_type="text/plain").status_code == 400
    assert raw_client.get(f"{repo.web_path}.git/info/refs?service=git-upload-archive").status_code == 400


def test_a_deleted_branch_leaves_its_commits_to_those_who_know_them(fetch, push, objects):
    repo = RepoFactory()
    old = repo.refs.get(name="main").commit.oid
    new = objects.commit(objects.files(a=b"a"), old)
    push(repo, repo.created_by, {"refs/heads/side": (NOTHING, new)}, objects)
    push(repo, repo.created_by, {"refs/heads/side": (new, NOTHING)})

    assert new in fetch(repo, [new], [old])
    repos.delete_repo(repo=repo, actor=repo.created_by)
