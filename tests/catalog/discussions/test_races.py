"""Discussions and merges at the same time, against the real database."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from catalog.actions import repos, strangers
from catalog.actions.community import attachments, discussions, merging, pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.history import freezing
from catalog.actions.incoming import uploads
from catalog.actions.upkeep import closed_offers, purge
from catalog.errors import BadInput, RevisionNotFound
from catalog.models import Attachment, AttachmentUse, Commit, Repo
from catalog.queries import integrity, trees
from tests.factories import RepoFactory, UserFactory, commit_content
from tests.locks import waiting_for_us
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


def test_a_pull_request_is_not_built_upon_a_commit_that_is_being_dropped():
    repo, carl = RepoFactory(), UserFactory()
    commit_content(repo, {"a.txt": b"a"})
    offer = pull_requests.open_pull_request(repo=repo, proposal=Proposal("Offer"), actor=carl, status="open")
    dropped = commit_content(repo, {"b.txt": b"b"}, branch=offer.git_ref, actor=carl)
    discussions.change_status(discussion=offer, status="closed", actor=carl)
    offer.events.filter(kind="status-change").update(created_at=timezone.now() - timedelta(weeks=13))

    with ThreadPoolExecutor() as pool, transaction.atomic():
        freezing.freeze(repo)
        late = pool.submit(opened_upon, repo, dropped.oid)
        while not waiting_for_us():
            time.sleep(0.01)
        assert closed_offers.drop_overdue() == 1

    assert isinstance(late.exception(), RevisionNotFound)


def opened_upon(repo, oid):
    try:
        return pull_requests.open_pull_request(
            repo=repo, proposal=Proposal("Late", parent=oid), actor=repo.created_by, status="open"
        )
    finally:
        connection.close()


def test_a_stranger_who_hurries_opens_no_more_than_their_limit(settings):
    settings.STRANGER_OPEN_PULL_REQUESTS = 2
    repo, carl = RepoFactory(), UserFactory()

    made = at_once(
        *[
            lambda: pull_requests.open_pull_request(repo=repo, proposal=Proposal("Me"), actor=carl, status="open")
            for _ in range(5)
        ]
    )

    assert sorted(type(one).__name__ for one in made) == ["Discussion"] * 2 + ["NotAllowed"] * 3
    assert repo.discussions.count() == 2


def test_strangers_who_meet_share_the_room(settings):
    settings.STRANGERS_PULL_REQUESTS_MB = 1
    repo = RepoFactory()
    offers = [
        pull_requests.open_pull_request(repo=repo, proposal=Proposal("Me"), actor=UserFactory(), status="open")
        for _ in range(3)
    ]

    sent = at_once(
        *[
            lambda one=one: uploads.store_bytes(repo=repo, actor=one.author, chunks=[bytes([one.num]) * 600_000])
            for one in offers
        ]
    )

    assert sorted(type(one).__name__ for one in sent) == ["Blob", "QuotaExceeded", "QuotaExceeded"]
    assert strangers.offered_bytes(repo) == 600_000


def test_an_attachment_is_shown_or_forgotten_never_half():
    repo = RepoFactory()
    made = [
        attachments.attach(chunks=[b"\x89PNG\r\n\x1a\n" + bytes([number])], size=None, actor=repo.created_by)
        for number in range(8)
    ]
    Attachment.objects.update(created_at=timezone.now() - timedelta(days=8))
    talk = discussions.open_discussion(repo=repo, title="Look", text="", actor=repo.created_by)

    results = at_once(
        *[
            lambda one=one: discussions.comment(discussion=talk, text=f"![x]({one.path})", actor=repo.created_by)
            for one in made
        ],
        attachments.forget_unused,
        attachments.forget_unused,
    )

    assert not [one for one in results if isinstance(one, Exception)], results
    shown = set(AttachmentUse.objects.values_list("attachment", flat=True))
    assert set(Attachment.objects.values_list("pk", flat=True)) == shown


def test_a_name_goes_to_the_new_repo_or_to_the_one_that_comes_back():
    gone = RepoFactory(name="model")
    ann = gone.created_by
    repos.delete_repo(repo=gone, actor=ann)

    results = at_once(
        lambda: purge.undelete(repo=gone, actor=ann),
        lambda: repos.create_repo(namespace=ann.namespace, kind="model", name="Model", actor=ann),
    )

    assert sorted(type(one).__name__ for one in results) == ["NameTaken", "Repo"]
    assert Repo.objects.live().filter(namespace=ann.namespace, name_key="model").count() == 1
    assert list(integrity.problems()) == []
