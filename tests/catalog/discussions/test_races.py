"""Discussions and merges at the same time, against the real database."""

from __future__ import annotations

import pytest

from catalog.actions.community import discussions, merging, pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.errors import BadInput
from catalog.models import Commit
from catalog.queries import integrity, trees
from tests.factories import RepoFactory, commit_content
from tests.racing import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def offered(repo, path):
    made = pull_requests.open_pull_request(
        repo=repo, proposal=Proposal(f"Add {path}"), actor=repo.created_by, status="open"
    )
    commit_content(repo, {path: path.encode()}, branch=made.git_ref)
    return made


def test_numbers_are_given_once():
    repo = RepoFactory()

    made = at_once(
        *[
            lambda: discussions.open_discussion(repo=repo, title="Me first", text="", actor=repo.created_by)
            for _ in range(6)
        ]
    )

    assert sorted(discussion.num for discussion in made) == [1, 2, 3, 4, 5, 6]


def test_merges_and_commits_on_one_branch_lose_nothing():
    repo = RepoFactory()
    offers = [offered(repo, f"offer-{number}") for number in range(3)]
    merges = [lambda one=one: merging.merge_pull_request(discussion=one, actor=repo.created_by) for one in offers]
    writes = [lambda name=name: commit_content(repo, {name: b"x"}) for name in ("one", "two")]

    results = at_once(*merges, *writes)

    assert all(isinstance(result, Commit) for result in results), results
    head = trees.head_of(repo)
    held = {entry.path for entry in trees.entries_in(head).files()}
    assert held == {".gitattributes", "offer-0", "offer-1", "offer-2", "one", "two"}
    assert {commit.oid for commit in trees.history(head)} >= {result.oid for result in results}
    assert list(integrity.problems()) == []


def test_one_of_two_merges_of_the_same_wins():
    repo = RepoFactory()
    made = offered(repo, "a.txt")

    results = at_once(
        *[lambda: merging.merge_pull_request(discussion=made, actor=repo.created_by) for _ in range(3)],
    )

    assert [type(result) for result in results].count(Commit) == 1
    assert [type(result) for result in results].count(BadInput) == 2
    assert len(trees.history(trees.head_of(repo))) == 2
