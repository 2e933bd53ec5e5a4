"""Two and more threads against the real database; each has a connection of its own."""

import hashlib
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from catalog.actions import repos
from catalog.actions.history import commits, removal, squash
from catalog.actions.incoming import uploads
from catalog.actions.upkeep import garbage
from catalog.errors import BranchMoved, NameTaken
from catalog.models import Repo, RepoBlob, TreeEntry
from catalog.queries import integrity, trees
from tests.factories import RepoFactory, UserFactory, add, commit_content
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_many_writers_on_one_head_one_wins():
    repo = RepoFactory()
    head = trees.resolve_revision(repo, "main").oid
    changes = [add(repo, f"file-{number}", b"%d" % number) for number in range(6)]

    results = at_once(
        *[
            lambda change=change: commits.commit_files(
                repo=repo, branch="main", changes=[change], title="mine", parent=head, actor=repo.created_by
            )
            for change in changes
        ]
    )

    lost = [result for result in results if isinstance(result, BranchMoved)]
    (won,) = [result for result in results if not isinstance(result, Exception)]
    assert len(lost) == 5
    assert trees.resolve_revision(repo, "main") == won
    assert {result.facts["head"] for result in lost} == {won.oid}
    assert trees.entries_in(won).files().count() == 2


def test_writers_without_a_parent_queue_up_and_lose_nothing():
    repo = RepoFactory()
    changes = [add(repo, f"file-{number}", b"%d" % number) for number in range(6)]

    results = at_once(
        *[
            lambda change=change: commits.commit_files(
                repo=repo, branch="main", changes=[change], title="mine", actor=repo.created_by
            )
            for change in changes
        ]
    )

    assert not [result for result in results if isinstance(result, Exception)]
    head = trees.resolve_revision(repo, "main")
    assert trees.entries_in(head).files().count() == 7
    assert len(trees.history(head)) == 7


def test_two_branches_that_share_a_line_grow_apart_under_pressure():
    repo = RepoFactory()
    commit_content(repo, {"a": b"0"})
    names = ["main", "one", "two", "three"]
    for name in names[1:]:
        commits.create_branch(repo=repo, name=name, actor=repo.created_by)
    changes = {name: add(repo, "a", name.encode()) for name in names}

    results = at_once(
        *[
            lambda name=name: commits.commit_files(
                repo=repo, branch=name, changes=[changes[name]], title="mine", actor=repo.created_by
            )
            for name in names
        ]
    )

    assert not [result for result in results if isinstance(result, Exception)]
    for name in names:
        head = trees.resolve_revision(repo, name)
        assert trees.file_at(head, "a").blob.sha256 == changes[name].sha256
        assert trees.entries_in(head).count() == 2
    assert repo.lines.count() == 4


def test_the_same_bytes_sent_by_many_at_once_are_one_blob():
    many = [RepoFactory() for _number in range(5)]

    results = at_once(
        *[
            lambda repo=repo: uploads.store_bytes(repo=repo, actor=repo.created_by, chunks=[b"same", b"same"])
            for repo in many
        ]
    )

    assert len({result.pk for result in results}) == 1
    assert RepoBlob.objects.filter(blob=results[0]).count() == 5


def test_a_name_is_given_once():
    user = UserFactory()
    names = ["Model", "model", "MODEL"]

    results = at_once(
        *[
            lambda name=name: repos.create_repo(namespace=user.namespace, kind=Repo.Kind.MODEL, name=name, actor=user)
            for name in names
        ]
    )

    assert sum(isinstance(result, NameTaken) for result in results) == 2
    assert Repo.objects.live().filter(namespace=user.namespace).count() == 1


def test_expiry_never_takes_bytes_that_a_commit_is_taking():
    repo = RepoFactory()
    change = add(repo, "a", b"nearly expired")
    mine = RepoBlob.objects.filter(repo=repo, blob__sha256=change.sha256)
    mine.update(uncommitted_until=timezone.now() - timedelta(seconds=1))

    with transaction.atomic():
        made = commits.commit_files(
            repo=repo, branch="main", changes=[change], title="just in time", actor=repo.created_by
        )
        (expired,) = at_once(garbage.expire_uncommitted)

    assert expired == 0
    assert mine.get().uncommitted_until is None
    assert trees.file_at(made, "a").size == len(b"nearly expired")


def test_history_is_rewritten_while_others_commit_branch_and_squash():
    repo, content = RepoFactory(), b"large" * 500
    commit_content(repo, {"a.bin": content}, lfs=("a.bin",))
    commit_content(repo, {"b.txt": b"b"})
    doomed = {"sha256s": [hashlib.sha256(content).hexdigest()], "rewrite_history": True}
    actor = repo.created_by

    def commit_to_a_new_branch(name):
        commits.create_branch(repo=repo, name=name, start="main", actor=actor)
        return commit_content(repo, {f"{name}.txt": b"new"}, branch=name)

    results = at_once(
        lambda: removal.remove_files(repo=repo, actor=actor, **doomed),
        *[lambda name=name: commit_content(repo, {f"{name}.txt": b"new"}) for name in "cd"],
        *[lambda name=name: commit_to_a_new_branch(name) for name in "ef"],
        lambda: squash.squash_history(repo=repo, branch="main", actor=actor),
    )

    assert [result for result in results if isinstance(result, Exception)] == []
    paths = set(trees.entries_in(trees.head_of(repo)).files().values_list("path", flat=True))
    assert {"b.txt", "c.txt", "d.txt"} <= paths
    assert not TreeEntry.objects.filter(line__repo=repo, is_lfs=True).exists()
    assert list(integrity.problems()) == []
