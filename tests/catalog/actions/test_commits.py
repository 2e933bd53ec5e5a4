import subprocess

import pytest

from catalog.actions.history import commits
from catalog.errors import (
    BadInput,
    BlobNotUploaded,
    BranchMoved,
    EntryNotFound,
    InvalidPath,
    RevisionNotFound,
    TooLarge,
)
from catalog.models import AuditEntry, Commit, RepoBlob, TreeEntry
from catalog.queries import trees
from catalog.types import AddFile, CopyFile, DeleteFile, DeleteFolder
from tests.factories import RepoFactory, UserFactory, add, commit_content, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def repo():
    return RepoFactory()


def commit(repo, *changes, **options):
    fields = {"branch": "main", "title": "Change", "actor": repo.created_by, **options}
    return commits.commit_files(repo=repo, changes=list(changes), **fields)


def paths_of(commit):
    return [entry.path for entry in trees.entries_in(commit).files().order_by("path")]


def git(folder, *arguments, **options):
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1", **options.pop("env", {})}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, check=True, **options)
    return done.stdout.decode().strip()


def test_ids_are_those_git_computes(repo, tmp_path):
    files = {
        "README.md": b"# hello\n",
        "a.txt": b"a",
        "a/b/c.txt": b"c",
        "a/b.txt": b"b",
        "a-b/x": b"",
        "ą/ż.txt": "zażółć".encode(),
        "model.safetensors": b"weights" * 100,
    }
    made = commit_content(repo, files, lfs=("model.safetensors",))

    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / ".gitattributes").write_bytes(_content(made, ".gitattributes"))
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    weights = trees.file_at(made, "model.safetensors").blob
    (tmp_path / "model.safetensors").write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{weights.sha256}\nsize {weights.size}\n"
    )
    git(tmp_path, "-c", "core.autocrlf=false", "-c", "filter.lfs.clean=cat", "add", "--all")
    tree = git(tmp_path, "write-tree")
    first, second = Commit.objects.filter(repo=repo).order_by("seq")
    first_oid = _commit_tree(tmp_path, first, first.tree_oid, [])

    assert made.tree_oid == tree
    assert second.oid == made.oid == _commit_tree(tmp_path, made, tree, ["-p", first_oid])
    assert first.oid == first_oid
    for line in git(tmp_path, "-c", "core.quotePath=false", "ls-tree", "-r", "-t", tree).splitlines():
        (mode, _kind, oid), path = line.split("\t")[0].split(), line.split("\t")[1]
        entry = trees.entries_at(made, [path])[0]
        assert (entry.oid, entry.mode) == (oid, int(mode, 8))


def _content(commit, path):
    from catalog.stores import blob_store

    with blob_store().open(trees.file_at(commit, path).blob.sha256) as file:
        return file.read()


def _commit_tree(folder, made, tree, parents):
    date = f"{int(made.committed_at.timestamp())} +0000"
    who = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", made.author_name), ("EMAIL", made.author_email), ("DATE", date))
    }
    git(folder, "init", "-q")
    if parents == []:  # git refuses a commit of a tree it does not have
        blob = git(folder, "hash-object", "-w", ".gitattributes")
        assert git(folder, "mktree", input=f"100644 blob {blob}\t.gitattributes\n".encode()) == tree
    return git(folder, "commit-tree", tree, *parents, "-m", made.title, env=who)


def test_a_commit_answers_with_its_files_and_leaves_older_ones_alone(repo):
    first = commit_content(repo, {"a.txt": b"1", "folder/b.txt": b"2"})
    second = commit(repo, add(repo, "a.txt", b"changed"), DeleteFile("folder/b.txt"))

    assert paths_of(first) == [".gitattributes", "a.txt", "folder/b.txt"]
    assert paths_of(second) == [".gitattributes", "a.txt"]
    assert trees.file_at(first, "a.txt").size == 1
    assert trees.file_at(second, "a.txt").size == 7
    assert trees.file_at(second, "a.txt").changed_in == second
    assert trees.file_at(second, ".gitattributes").changed_in.title == "initial commit"
    assert not trees.entries_at(second, ["folder"])


def test_the_branch_moves_and_the_log_says_who_moved_it(repo):
    made = commit(repo, add(repo, "a", b"a"), title="  Two\nlines ", description="why\n")

    assert trees.resolve_revision(repo, "main") == made
    assert (made.title, made.message) == ("Two lines", "why")
    entry = AuditEntry.objects.filter(action="repo.commit").latest("pk")
    assert entry.actor == repo.created_by
    assert entry.details == {"branch": "main", "commit": made.oid}


def test_a_stale_parent_is_refused_with_the_head(repo):
    old = trees.resolve_revision(repo, "main")
    head = commit(repo, add(repo, "a", b"a"))

    with pytest.raises(BranchMoved) as refused:
        commit(repo, add(repo, "b", b"b"), parent=old.oid)

    assert refused.value.facts["head"] == head.oid
    assert trees.resolve_revision(repo, "main") == head


def test_a_short_parent_is_enough(repo):
    old = trees.resolve_revision(repo, "main")

    made = commit(repo, add(repo, "a", b"a"), parent=old.oid[:7].upper())

    assert made.parents == [old.oid]


@pytest.mark.parametrize("parent", ["abcd", "main", "x" * 40, ""])
def test_a_parent_that_is_no_commit_id_is_bad_input(repo, parent):
    with pytest.raises(BadInput):
        commit(repo, add(repo, "a", b"a"), parent=parent)


def test_a_repeated_request_commits_once(repo):
    old = trees.resolve_revision(repo, "main")
    change = add(repo, "a", b"a")

    first = commit(repo, change, parent=old.oid)
    again = commit(repo, change, parent=old.oid)

    assert again == first
    assert repo.commits.count() == 2


def test_the_same_request_by_somebody_else_is_no_repetition(repo):
    old = trees.resolve_revision(repo, "main")
    change = add(repo, "a", b"a")
    commit(repo, change, parent=old.oid)

    with pytest.raises(BranchMoved):
        commit(repo, change, parent=old.oid, actor=UserFactory())


def test_a_commit_that_changes_nothing_is_the_head(repo):
    head = commit(repo, add(repo, "a", b"a"))

    assert commit(repo, add(repo, "a", b"a")) == head
    assert commit(repo, add(repo, "b", b"b"), DeleteFile("b")) == head


def test_later_changes_of_a_path_win(repo):
    commit(repo, add(repo, "a", b"1"))

    made = commit(
        repo, DeleteFile("a"), add(repo, "a", b"2"), add(repo, "b", b"3"), DeleteFile("b"), add(repo, "c", b"4")
    )

    assert paths_of(made) == [".gitattributes", "a", "c"]
    assert trees.file_at(made, "a").blob.sha256 == store(repo, b"2")


def test_bytes_another_repo_received_cannot_be_committed(repo):
    others = add(RepoFactory(), "secret.bin", b"secret")

    with pytest.raises(BlobNotUploaded) as refused:
        commit(repo, others, add(repo, "b", b"b"), AddFile("c", sha256="0" * 64))

    assert refused.value.facts["paths"] == ["secret.bin", "c"]
    assert repo.commits.count() == 1


def test_a_wrong_size_is_as_good_as_not_uploaded(repo):
    with pytest.raises(BlobNotUploaded):
        commit(repo, AddFile("a", sha256=store(repo, b"four"), size=5))


def test_committed_bytes_no_longer_expire(repo):
    change = add(repo, "a", b"a")
    assert RepoBlob.objects.get(repo=repo, blob__sha256=change.sha256).uncommitted_until is not None

    commit(repo, change)

    assert RepoBlob.objects.get(repo=repo, blob__sha256=change.sha256).uncommitted_until is None


@pytest.mark.parametrize("missing", [DeleteFile("nope"), DeleteFolder("nope"), DeleteFolder("folder/a")])
def test_deleting_what_is_not_there_is_refused(repo, missing):
    head = commit(repo, add(repo, "folder/a", b"a"))

    with pytest.raises(EntryNotFound, match="A file with this name doesn't exist"):
        commit(repo, missing)

    assert trees.resolve_revision(repo, "main") == head


@pytest.mark.parametrize("change", [DeleteFolder("data"), DeleteFile("data")])  # a client may forget the slash
def test_a_folder_is_deleted_with_all_below_it_and_nothing_beside_it(repo, change):
    commit_content(repo, {"data/a": b"1", "data/deep/b": b"2", "data.txt": b"3", "data-2/c": b"4"})

    made = commit(repo, change)

    assert paths_of(made) == [".gitattributes", "data-2/c", "data.txt"]
    assert [entry.path for entry in trees.entries_of(made)] == [".gitattributes", "data-2", "data.txt"]


def test_a_copy_shares_its_source(repo):
    first = commit_content(repo, {"a.bin": b"weights", "b": b"old"}, lfs=("a.bin",))
    commit(repo, DeleteFile("a.bin"))

    made = commit(repo, CopyFile("c.bin", "a.bin", first.oid), CopyFile("d", "b"))

    assert trees.file_at(made, "c.bin").is_lfs
    assert trees.file_at(made, "c.bin").oid == trees.file_at(first, "a.bin").oid
    assert trees.file_at(made, "d").oid == trees.file_at(first, "b").oid
    with pytest.raises(EntryNotFound):
        commit(repo, CopyFile("x", "nope"))


def test_a_path_is_either_a_file_or_a_folder(repo):
    commit(repo, add(repo, "a/b", b"1"))

    for path in ("a", "a/b/c"):
        with pytest.raises(InvalidPath):
            commit(repo, add(repo, path, b"2"))
    with pytest.raises(InvalidPath):
        commit(repo, add(repo, "x", b"1"), add(repo, "x/y", b"2"))


def test_a_path_may_change_its_nature_in_one_commit(repo):
    commit(repo, add(repo, "a/b", b"1"))

    as_file = commit(repo, DeleteFolder("a"), add(repo, "a", b"2"))
    as_folder = commit(repo, DeleteFile("a"), add(repo, "a/b", b"1"))

    assert paths_of(as_file) == [".gitattributes", "a"]
    assert paths_of(as_folder) == [".gitattributes", "a/b"]
    assert as_folder.tree_oid == repo.commits.get(seq=2).tree_oid


@pytest.mark.parametrize(
    ("present", "added"), [("Readme.md", "README.md"), ("Data/x", "data/y"), ("straße", "STRASSE"), ("a/B", "a/b")]
)
def test_paths_that_some_file_system_cannot_tell_apart_are_refused(repo, present, added):
    commit(repo, add(repo, present, b"1"))

    with pytest.raises(InvalidPath):
        commit(repo, add(repo, added, b"2"))
    commit(repo, DeleteFile(present), add(repo, added, b"2"))


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", ".git/config", "a\\b", "CON", "a\u202eb", "x" * 300])
def test_hostile_paths_are_refused(repo, path):
    with pytest.raises(InvalidPath):
        commit(repo, AddFile(path, sha256="0" * 64))


def test_modes_are_kept_and_links_refused(repo):
    commit(repo, add(repo, "run.sh", b"1", mode=TreeEntry.MODE_EXECUTABLE))

    made = commit(repo, add(repo, "run.sh", b"2"))

    assert trees.file_at(made, "run.sh").mode == TreeEntry.MODE_EXECUTABLE
    with pytest.raises(InvalidPath):
        commit(repo, add(repo, "link", b"run.sh", mode=TreeEntry.MODE_SYMLINK))


def test_an_unknown_branch_is_an_unknown_revision(repo):
    with pytest.raises(RevisionNotFound, match="Invalid rev id: nope"):
        commit(repo, add(repo, "a", b"a"), branch="nope")


def test_a_commit_has_a_largest_number_of_changes(repo):
    with pytest.raises(TooLarge):
        commit(repo, *[DeleteFile(f"f{number}") for number in range(commits.MOST_CHANGES + 1)])


def test_branches_from_one_commit_grow_apart(repo):
    base = commit_content(repo, {"shared/a": b"1", "b": b"2"})
    commits.create_branch(repo=repo, name="dev", start="main", actor=repo.created_by)

    on_main = commit(repo, add(repo, "shared/a", b"main"))
    on_dev = commit(repo, add(repo, "shared/a", b"dev"), DeleteFile("b"), branch="dev")
    again = commit(repo, add(repo, "c", b"3"), branch="dev")

    assert trees.file_at(on_main, "shared/a").blob.sha256 == store(repo, b"main")
    assert trees.file_at(again, "shared/a").blob.sha256 == store(repo, b"dev")
    assert paths_of(on_main) == [".gitattributes", "b", "shared/a"]
    assert paths_of(again) == [".gitattributes", "c", "shared/a"]
    assert paths_of(base) == [".gitattributes", "b", "shared/a"]
    assert [made.oid for made in trees.history(again)] == [again.oid, on_dev.oid, base.oid, base.parents[0]]
    assert on_main.line_id == base.line_id != on_dev.line_id == again.line_id


def test_the_same_commit_on_two_branches_is_one_commit(repo):
    commits.create_branch(repo=repo, name="dev", actor=repo.created_by)
    change = add(repo, "a", b"a")

    for _attempt in range(3):  # the second may turn between the two
        on_main, on_dev = commit(repo, change), commit(repo, change, branch="dev")
        if on_main.committed_at == on_dev.committed_at:
            break
        commit(repo, DeleteFile("a"))
        commit(repo, DeleteFile("a"), branch="dev")

    assert on_main.tree_oid == on_dev.tree_oid
    assert paths_of(on_dev) == [".gitattributes", "a"]


def test_ten_thousand_files_are_one_commit(repo):
    blob = store(repo, b"same bytes")
    changes = [AddFile(f"data/part-{number:05}.txt", sha256=blob) for number in range(10_000)]

    made = commit(repo, *changes)
    next_one = commit(repo, add(repo, "data/part-00042.txt", b"other"))

    assert trees.entries_in(made).files().count() == 10_001
    assert trees.file_at(next_one, "data/part-00042.txt").size == 5
    assert next_one.line.entries.filter(first_seq=next_one.seq).count() == 2
