"""What strangers offered and nobody merged goes some weeks after it was closed; nothing else goes with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from catalog.actions import quotas
from catalog.actions.community import discussions, merging, pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.history import refs, squash
from catalog.actions.upkeep import closed_offers, collection, garbage, upkeep_leases
from catalog.actions.upkeep.collection import Graces
from catalog.errors import NotAllowed, RevisionNotFound, UpkeepBusy
from catalog.models import AuditEntry, Blob, Commit, Discussion, Line, RepoBlob, TreeEntry
from catalog.queries import integrity, trees
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db
NO_GRACE = Graces(timedelta(0), timedelta(0), timedelta(0))
LOCAL = (
    "test_what_may_stay_stays", "test_the_thread_says_until_when_and_then_why_not", "test_opening_again_tells_why_not",
    "test_what_others_need_stays_until_they_do_not", "test_what_a_branch_or_tag_had_stays_readable",
    "test_old_history_that_an_offer_points_at_is_not_its_own", "test_a_squashed_offer_goes_with_all_its_lines",
    "test_an_offer_upon_an_old_commit_leaves_its_line_alone", "test_nothing_is_dropped_while_a_backup_copies",
    "test_the_api_still_shows_what_was_said",
)  # fmt: skip


@pytest.fixture
def carl(db):
    return UserFactory(name="carl")


@pytest.fixture
def repo():
    made = RepoFactory(name="model")
    commit_content(made, {"kept.bin": b"kept"})
    yield made
    assert list(integrity.problems(with_data=True)) == []


def offered(repo, actor, files, **proposal):
    made = pull_requests.open_pull_request(
        repo=repo, proposal=Proposal("Offer", text="Please take it.", **proposal), actor=actor, status="open"
    )
    commit_content(repo, files, branch=made.git_ref, actor=actor)
    return made


def close(made, *, weeks_ago=13):
    found = Discussion.objects.select_related("author", "repo__namespace").get(pk=made.pk)
    discussions.change_status(discussion=found, status="closed", actor=found.author or found.repo.created_by)
    made.events.filter(kind="status-change").update(created_at=timezone.now() - timedelta(weeks=weeks_ago))


def has_ref(made) -> bool:
    return made.repo.refs.pull_requests().filter(name=str(made.num)).exists()


def test_ref_line_and_bytes_go_and_the_words_stay(repo, carl):
    owner = repo.namespace_id
    before = quotas.used_bytes(owner)
    made = offered(repo, carl, {"large.bin": b"l" * 5000, "kept.bin": b"changed"})
    commit_content(repo, {"more.bin": b"m" * 5000}, branch=made.git_ref, actor=carl)
    close(made)
    assert quotas.used_bytes(owner) == before + 10_007

    assert closed_offers.drop_overdue() == 1

    assert not has_ref(made)
    assert not Commit.objects.filter(offered_in=made.num).exists()
    assert not TreeEntry.objects.filter(path="large.bin").exists()
    assert Line.objects.filter(repo=repo).count() == 1
    RepoBlob.objects.filter(uncommitted_until__isnull=False).update(uncommitted_until=Now())  # a week later
    garbage.expire_uncommitted()
    assert quotas.used_bytes(owner) == before
    assert collection.collect(NO_GRACE, force=True).deleted == 3
    assert not Blob.objects.filter(size__in=(5000, 7)).exists()
    kept = Discussion.objects.get(pk=made.pk)
    assert (kept.title, kept.status) == ("Offer", "closed")
    assert list(kept.events.values_list("kind", flat=True)) == ["comment", "commit", "commit", "status-change"]
    assert AuditEntry.objects.get(action="pull_request.drop").details == {"num": made.num, "commits": 2}
    assert closed_offers.drop_overdue() == 0


def test_what_may_stay_stays(repo, carl, settings):
    team = OrganisationFactory(name="acme", admin=UserFactory(), members={"write": [member := UserFactory()]})
    shared = RepoFactory(namespace=team.namespace, actor=member)
    commit_content(shared, {"a": b"a"}, actor=member)
    lately, still_open, own, of_member, of_admin = (
        offered(repo, carl, {"1": b"1"}), offered(repo, carl, {"2": b"2"}), offered(repo, repo.created_by, {"3": b"3"}),
        offered(shared, member, {"4": b"4"}), offered(repo, UserFactory(is_admin=True), {"5": b"5"}),
    )  # fmt: skip
    merged = offered(repo, carl, {"6": b"6"})
    merging.merge_pull_request(discussion=merged, actor=repo.created_by)
    close(lately, weeks_ago=11)
    for made in (own, of_member, of_admin):
        close(made)
    merged.events.update(created_at=timezone.now() - timedelta(weeks=13))

    assert closed_offers.drop_overdue() == 0

    assert all(has_ref(made) for made in (lately, still_open, own, of_member, of_admin, merged))
    close(still_open)
    settings.CLOSED_PULL_REQUEST_WEEKS = 0
    assert closed_offers.drop_overdue() == 0
    settings.CLOSED_PULL_REQUEST_WEEKS = 12
    repo.discussions.filter(author=carl).update(author=None)  # nobody any more: a stranger
    assert closed_offers.drop_overdue() == 1
    assert not has_ref(still_open)


def test_the_thread_says_until_when_and_then_why_not(repo, carl):
    made = offered(repo, carl, {"large.bin": b"large"})
    address = f"/{repo.full_name}/discussions/{made.num}"
    browser, owner = RawClient(), RawClient()
    owner.force_login(repo.created_by)
    assert "its commits are kept until" not in browser.get(address).content.decode()
    close(made, weeks_ago=10)
    until = (timezone.now() + timedelta(weeks=2)).strftime("%Y-%m-%d")

    warned = browser.get(address).content.decode()

    assert f"its commits are kept until {until} and deleted then" in warned
    assert f"fetch refs/pr/{made.num}" in warned
    made.events.update(created_at=timezone.now() - timedelta(weeks=13))
    closed_offers.drop_overdue()
    gone = owner.get(address).content.decode()
    assert "so its commits were deleted on" in gone
    assert "Open again" not in gone
    assert "Please take it." in gone
    assert "/commit/" not in gone
    files = browser.get(f"{address}/files")
    assert (files.status_code, files["Location"]) == (302, address)


def test_opening_again_tells_why_not(repo, carl):
    made = offered(repo, carl, {"large.bin": b"large"})
    close(made)
    closed_offers.drop_overdue()
    found = Discussion.objects.select_related("author", "repo__namespace").get(pk=made.pk)

    with pytest.raises(NotAllowed, match=r"its commits were deleted on \d{4}-\d\d-\d\d. Open a new one"):
        discussions.change_status(discussion=found, status="open", actor=carl)

    with pytest.raises(NotAllowed, match="takes no more commits"):
        commit_content(repo, {"more": b"more"}, branch=made.git_ref, actor=carl)
    with pytest.raises(RevisionNotFound):
        trees.resolve_revision(repo, made.git_ref)


def test_the_api_still_shows_what_was_said(repo, carl):
    made = offered(repo, carl, {"large.txt": b"large\n"})
    close(made)
    closed_offers.drop_overdue()

    shown = RawClient().get(f"/api/models/{repo.full_name}/discussions/{made.num}?diff=1").json()

    assert (shown["status"], shown["filesWithConflicts"], "diff" in shown) == ("closed", [], False)
    assert shown["changes"] == {"base": "refs/heads/main"}
    assert [event["type"] for event in shown["events"]] == ["comment", "commit", "status-change"]


def test_what_others_need_stays_until_they_do_not(repo, carl):
    first = offered(repo, carl, {"first.bin": b"first"})
    head = trees.resolve_revision(repo, first.git_ref)
    second = offered(repo, UserFactory(), {"second.bin": b"second"}, parent=head.oid)
    close(first)

    assert closed_offers.drop_overdue() == 1

    assert not has_ref(first)
    assert trees.resolve_revision(repo, head.oid) == head
    assert {entry.path for entry in trees.entries_in(trees.resolve_revision(repo, second.git_ref)).files()} >= {
        "first.bin", "second.bin", "kept.bin",
    }  # fmt: skip
    close(second)
    assert closed_offers.drop_overdue() == 1
    assert Line.objects.filter(repo=repo).count() == 1


@pytest.mark.parametrize("how", ["branch", "tag", "moved branch"])
def test_what_a_branch_or_tag_had_stays_readable(repo, carl, how):
    made = offered(repo, carl, {"offered.bin": b"offered"})
    head, owner = trees.resolve_revision(repo, made.git_ref), repo.created_by
    if how == "branch":
        refs.create_branch(repo=repo, name="side", start=head.oid, actor=owner)
        refs.delete_branch(repo=repo, name="side", actor=owner)
    elif how == "tag":
        refs.create_tag(repo=repo, name="v1", revision=head.oid, actor=owner)
        refs.delete_tag(repo=repo, name="v1", actor=owner)
    else:
        refs.create_branch(repo=repo, name="side", start=head.oid, actor=owner)
        commit_content(repo, {"on top": b"on top"}, branch="side")
        squash.squash_history(repo=repo, branch="side", actor=owner)
    close(made)

    assert closed_offers.drop_overdue() == 1

    assert not has_ref(made)
    assert trees.resolve_revision(repo, head.oid) == head


def test_old_history_that_an_offer_points_at_is_not_its_own(repo, carl):
    old = trees.head_of(repo)
    made = offered(repo, carl, {"offered.bin": b"offered"})
    later = commit_content(repo, {"later.bin": b"later"})
    squash.squash_history(repo=repo, branch="main", actor=repo.created_by)
    repo.refs.pull_requests().update(commit=later)  # as a forced push of the author does
    close(made)

    assert closed_offers.drop_overdue() == 1

    assert trees.resolve_revision(repo, old.oid) == old
    assert trees.resolve_revision(repo, later.oid) == later
    assert not Commit.objects.filter(offered_in=made.num).exists()


def test_an_offer_upon_an_old_commit_leaves_its_line_alone(repo, carl):
    old = trees.head_of(repo)
    squash.squash_history(repo=repo, branch="main", actor=repo.created_by)
    made = offered(repo, carl, {"offered.bin": b"offered"}, parent=old.oid)
    close(made)

    assert closed_offers.drop_overdue() == 1

    assert trees.resolve_revision(repo, old.oid) == old
    assert not TreeEntry.objects.filter(path="offered.bin").exists()


def test_a_squashed_offer_goes_with_all_its_lines(repo, carl):
    made = offered(repo, carl, {"offered.bin": b"offered"})
    squash.squash_history(repo=repo, branch=made.git_ref, actor=carl)
    commit_content(repo, {"more.bin": b"more"}, branch=made.git_ref, actor=carl)
    close(made)

    assert closed_offers.drop_overdue() == 1

    assert not TreeEntry.objects.filter(path__in=["offered.bin", "more.bin"]).exists()
    assert Line.objects.filter(repo=repo).count() == 1


def test_nothing_is_dropped_while_a_backup_copies(repo, carl):
    made = offered(repo, carl, {"offered.bin": b"offered"})
    close(made)

    with upkeep_leases.held(upkeep_leases.BACKUP), pytest.raises(UpkeepBusy):
        closed_offers.drop_overdue()

    assert has_ref(made)
