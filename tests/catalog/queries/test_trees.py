import pytest

from catalog.actions.history import commits
from catalog.errors import EntryNotFound, RevisionNotFound
from catalog.queries import trees
from catalog.types import DeleteFile
from tests.factories import RepoFactory, commit_content

pytestmark = pytest.mark.django_db

FILES = {"b.txt": b"b", "data/x.csv": b"x", "data/deep/y.csv": b"yy", "data-2/z": b"z", "data.txt": b"t"}


@pytest.fixture
def repo():
    return RepoFactory()


@pytest.fixture
def commit(repo):
    return commit_content(repo, FILES)


def paths(entries):
    return [entry.path for entry in entries]


def test_a_revision_is_a_branch_a_tag_a_full_ref_or_a_commit_id(repo, commit):
    commits.create_tag(repo=repo, name="v1", revision=commit.parents[0], actor=repo.created_by)
    commits.create_branch(repo=repo, name="feature/x", actor=repo.created_by)

    for name in ("main", "refs/heads/main", "feature/x", commit.oid, commit.oid[:7], commit.oid.upper()):
        assert trees.resolve_revision(repo, name) == commit
    for name in ("v1", "refs/tags/v1"):
        assert trees.resolve_revision(repo, name).oid == commit.parents[0]


@pytest.mark.parametrize("name", ["nope", "refs/tags/main", "refs/pr/1", "abcdef", "0" * 40, "", "%", "MAIN"])
def test_anything_else_is_an_unknown_revision(repo, commit, name):
    with pytest.raises(RevisionNotFound, match="Invalid rev id: "):
        trees.resolve_revision(repo, name)


def test_a_commit_of_another_repo_is_unknown_here(repo, commit):
    other = commit_content(RepoFactory(), {"other": b"other"})

    with pytest.raises(RevisionNotFound):
        trees.resolve_revision(repo, other.oid)


def test_a_branch_wins_over_a_commit_id_that_looks_like_it(repo, commit):
    commits.create_branch(repo=repo, name=commit.parents[0][:8], actor=repo.created_by)

    assert trees.resolve_revision(repo, commit.parents[0][:8]) == commit


def test_one_file_is_one_query(commit, django_assert_num_queries):
    with django_assert_num_queries(1):
        entry = trees.file_at(commit, "data/deep/y.csv")
        assert (entry.size, entry.etag, entry.name) == (2, entry.blob.git_sha1, "y.csv")


@pytest.mark.parametrize("path", ["nope", "data", "data/", "/b.txt", "", "DATA.TXT"])
def test_a_missing_file_says_where_we_looked(commit, path):
    with pytest.raises(EntryNotFound) as missing:
        trees.file_at(commit, path)

    assert missing.value.facts["commit"] == commit.oid


def test_a_folder_lists_what_lies_directly_in_it(commit):
    assert paths(trees.entries_of(commit)) == [".gitattributes", "b.txt", "data", "data-2", "data.txt"]
    assert paths(trees.entries_of(commit, folder="data")) == ["data/deep", "data/x.csv"]


def test_a_recursive_listing_holds_folders_and_nothing_beside(commit):
    assert paths(trees.entries_of(commit, folder="data", recursive=True)) == [
        "data/deep",
        "data/deep/y.csv",
        "data/x.csv",
    ]
    assert len(trees.entries_of(commit, recursive=True)) == 6 + 3


def test_pages_follow_each_other_without_a_gap(commit):
    whole = paths(trees.entries_of(commit, recursive=True))

    pages, after = [], ""
    while page := trees.entries_of(commit, recursive=True, after=after, limit=2):
        pages += paths(page)
        after = page[-1].path

    assert pages == whole


def test_a_missing_folder_is_not_an_empty_one(repo, commit):
    with pytest.raises(EntryNotFound):
        trees.entries_of(commit, folder="nope")
    with pytest.raises(EntryNotFound):
        trees.entries_of(commit, folder="b.txt", recursive=True)

    assert trees.entries_of(commit, folder="data-2", after="data-2/z") == []
    emptied = commits.commit_files(
        repo=repo, branch="main", changes=[DeleteFile("data-2/z")], title="x", actor=repo.created_by
    )
    with pytest.raises(EntryNotFound):
        trees.entries_of(emptied, folder="data-2")


def test_a_listing_takes_two_queries_with_blobs_and_last_commits(commit, django_assert_num_queries):
    with django_assert_num_queries(2):
        for entry in trees.entries_of(commit, recursive=True):
            assert entry.changed_in.title
            assert entry.is_folder or entry.etag


def test_paths_come_back_in_order_and_unknown_ones_not_at_all(commit):
    assert paths(trees.entries_at(commit, ["nope", "data", "b.txt"])) == ["b.txt", "data"]


def test_history_is_newest_first_and_comes_in_pages(repo, commit):
    made = [commit_content(repo, {"n": b"%d" % number}) for number in range(5)]
    commits.create_branch(repo=repo, name="dev", start=made[2].oid, actor=repo.created_by)
    forked = [commit_content(repo, {"n": b"dev %d" % number}, branch="dev") for number in range(2)]
    first = commit.parents[0]

    expected = [forked[1].oid, forked[0].oid, made[2].oid, made[1].oid, made[0].oid, commit.oid, first]
    assert [one.oid for one in trees.history(forked[1])] == expected

    pages, after = [], None
    while page := trees.history(forked[1], after=after, limit=2):
        pages += [one.oid for one in page]
        after = page[-1]
    assert pages == expected
