"""Activity: every kind of thing that happens, only what the reader may see now, in pages."""

from __future__ import annotations

import pytest

from catalog.actions import moving, repos
from catalog.actions.community import discussions, following, likes, merging, pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.history import refs, squash
from catalog.actions.upkeep import purge
from catalog.models import Discussion, Like
from catalog.types import AddFile
from evaluation.models import Score
from tests.catalog.hub_api.conftest import Caller
from tests.evaluation import arrangement
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, add, commit_content, store, token_of
from tests.raw_client import RawClient

FEED = "/api/v1/activity"


@pytest.fixture
def bob(db):
    return UserFactory(name="bob")


@pytest.fixture
def model(ann):
    return RepoFactory(actor=ann, name="model")


def told(caller, **query):
    """`what` and who of each happening, newest first."""
    answer = caller.get(FEED, QUERY_STRING="&".join(f"{key}={value}" for key, value in query.items()))
    assert answer.status_code == 200, answer.content
    return [(one["what"], one["actor"]) for one in answer.json()["results"]]


def live(model, ann, bob):
    """Everything that can happen to a repo."""
    commit = commit_content(model, {"a.txt": b"one\n"})
    refs.create_tag(repo=model, name="v1", revision="main", message="First release\n\nMore.", actor=ann)
    likes.like(repo=model, actor=bob)
    asked = discussions.open_discussion(repo=model, title="Why?", text="Tell me.", actor=bob)
    discussions.comment(discussion=asked, text="Because.", actor=ann)
    discussions.rename(discussion=asked, title="Why not?", actor=bob)
    discussions.change_status(discussion=asked, status="closed", actor=ann)
    discussions.change_status(discussion=Discussion.objects.get(pk=asked.pk), status="open", actor=ann)
    change = AddFile("b.txt", store(model, b"two\n", bob))
    offered, _commit = pull_requests.propose_changes(
        repo=model, proposal=Proposal("Two", "More."), changes=[change], actor=bob
    )
    merging.merge_pull_request(discussion=offered, actor=ann)
    return commit


def test_everything_that_happens_to_a_repo_is_told(model, ann, bob, stranger):
    commit = live(model, ann, bob)

    found = told(stranger, repo="ann/model")

    assert found == [
        ("merged", "ann"), ("commit", "ann"), ("commit", "bob"), ("pull_request", "bob"), ("reopened", "ann"),
        ("closed", "ann"), ("comment", "ann"), ("discussion", "bob"), ("like", "bob"), ("tag", ""),
        ("commit", "ann"), ("repo", "ann"),
    ]  # fmt: skip
    results = stranger.get(f"{FEED}?repo=ann/model").json()["results"]
    by_what = {one["what"]: one for one in results}
    assert by_what["discussion"]["title"] == "Why not?"  # as it is called now
    assert (by_what["tag"]["title"], by_what["tag"]["ref"]) == ("First release", "v1")
    assert by_what["commit"] == {
        "id": by_what["commit"]["id"], "at": by_what["commit"]["at"], "what": "commit", "actor": "ann", "kind": "model",
        "repo": "ann/model", "path": f"/ann/model/commit/{commit.oid}", "title": "Add files", "num": None,
        "commit": commit.oid, "ref": "main", "score": None,
    }  # fmt: skip
    comment = by_what["comment"]["path"]
    assert comment.startswith("/ann/model/discussions/1#")
    assert RawClient().get(comment).status_code == 200


def test_pages_follow_each_other_without_gap_or_repeat(model, ann, bob, stranger):
    live(model, ann, bob)
    whole = [one["id"] for one in stranger.get(f"{FEED}?repo=ann/model").json()["results"]]

    paged, address = [], f"{FEED}?repo=ann/model&limit=1"
    while address:
        page = stranger.get(address).json()
        paged += [one["id"] for one in page["results"]]
        address = (page["next"] or "").removeprefix("http://testserver")

    assert paged == whole
    wrong = stranger.get(f"{FEED}?repo=ann/model&limit=1").json()["next"].replace("repo=ann%2Fmodel", "owner=ann")
    assert stranger.get(wrong.removeprefix("http://testserver")).status_code == 400


def test_moments_that_are_equal_are_told_once_each(model, ann, stranger):
    """Rows of two sources at the same moment, with the page ending between them."""
    at = model.events.get(scope="repo").at
    for person in UserFactory.create_batch(3):
        likes.like(repo=model, actor=person)
    Like.objects.update(created_at=at)

    paged, address = [], f"{FEED}?repo=ann/model&limit=1"
    while address:
        page = stranger.get(address).json()
        paged += [one["what"] for one in page["results"]]
        address = (page["next"] or "").removeprefix("http://testserver")

    assert sorted(paged) == ["like", "like", "like", "repo"]


def test_a_feed_holds_only_what_the_reader_may_see_now(model, ann, bob, owner, stranger):
    live(model, ann, bob)
    following.follow(namespace=ann.namespace, actor=bob)
    other = Caller(token_of(bob))
    assert told(other, owner="ann")

    repos.change_settings(repo=model, visibility="private", actor=ann)

    assert told(other, owner="ann") == told(other, owner="bob") == told(other) == told(stranger, owner="bob") == []
    assert stranger.get(f"{FEED}?repo=ann/model").status_code == 401
    assert other.get(f"{FEED}?repo=ann/model").status_code == 404
    assert ("discussion", "bob") in told(owner, owner="bob")
    for path in ("/activity/ann", "/activity/bob", "/ann", "/bob"):
        assert "ann/model" not in RawClient().get(path).content.decode(), path
    assert RawClient().get("/ann/model/activity").status_code == 404


def test_what_was_taken_back_is_not_told(model, ann, bob, stranger):
    live(model, ann, bob)
    comment = Discussion.objects.get(num=1).events.filter(kind="comment").last()

    discussions.hide_comment(comment=comment, actor=ann)
    squash.squash_history(repo=model, branch="main", message="All of it", actor=ann)
    likes.unlike(repo=model, actor=bob)
    refs.delete_tag(repo=model, name="v1", actor=ann)

    whats = [what for what, _who in told(stranger, repo="ann/model")]
    assert not {"comment", "like", "tag"} & set(whats)
    discussions.switch(repo=model, disabled=True, actor=ann)
    assert set(told(stranger, repo="ann/model")) == {("commit", "ann"), ("repo", "ann")}


def test_deleted_repos_are_silent_until_they_come_back_and_names_are_those_of_now(model, ann, owner, stranger):
    moving.move_repo(repo=model, namespace=ann.namespace, name="renamed", actor=ann)
    model.refresh_from_db()
    repos.delete_repo(repo=model, actor=ann)
    assert told(owner, owner="ann") == []

    purge.undelete(repo=model, actor=ann)

    results = stranger.get(f"{FEED}?owner=ann").json()["results"]
    assert [(one["what"], one["repo"]) for one in results] == [
        ("restored", "ann/renamed"), ("moved", "ann/renamed"), ("repo", "ann/renamed")
    ]  # fmt: skip


def test_one_watches_own_teams_likes_and_whom_one_follows(model, ann, bob):
    carl = UserFactory(name="carl")
    reader = Caller(token_of(carl))
    assert told(reader) == []
    OrganisationFactory(name="acme", admin=bob, members={"read": [carl]})
    RepoFactory(namespace=bob.organisations.get().namespace, name="ours", actor=bob)
    RepoFactory(actor=carl, name="mine")
    assert told(reader) == [("repo", "carl"), ("repo", "bob")]

    likes.like(repo=model, actor=carl)
    assert told(reader)[0] == ("like", "carl")
    assert ("repo", "ann") in told(reader)

    dora = UserFactory(name="dora")
    following.follow(namespace=dora.namespace, actor=carl)
    elsewhere = RepoFactory(name="elsewhere")
    discussions.open_discussion(repo=elsewhere, title="Hi", text="", actor=dora)
    likes.like(repo=elsewhere, actor=dora)
    assert told(reader)[:2] == [("like", "dora"), ("discussion", "dora")]
    assert Caller().get(FEED).status_code == 401


def test_scores_are_told_while_they_count(stranger):
    run = arrangement.scored()
    name = run.repo.full_name

    (score,) = [one for one in stranger.get(f"{FEED}?repo={name}").json()["results"] if one["what"] == "score"]

    assert (score["path"], score["commit"]) == (f"/runs/{run.pk}", run.commit_oid)
    assert score["score"] == Score.objects.get(run=run, is_primary=True, slice="").value
    Score.objects.update(is_current=False)
    assert "score" not in [what for what, _who in told(stranger, repo=name)]


def test_the_pages_tell_the_same(model, ann, bob):
    live(model, ann, bob)
    browser = RawClient()
    assert browser.get("/activity").status_code == 302
    browser.force_login(ann)

    pages = {path: browser.get(path).content.decode() for path in ("/", "/activity", "/ann/model/activity", "/ann")}

    for path in ("/activity", "/ann/model/activity"):
        for words in ("Why not?", "merged a pull request", "New tag", "likes", "commented"):
            assert words in pages[path], (path, words)
    assert "merged a pull request" in pages["/"]
    assert "merged a pull request" in pages["/ann"]
    assert "merged a pull request" in RawClient().get("/activity/ann").content.decode()


def test_a_feed_costs_the_same_however_long(model, ann, bob, stranger, django_assert_max_num_queries):
    live(model, ann, bob)
    commit_content(model, {"c.txt": b"three\n"})
    add(model, "d.txt", b"four\n")

    with django_assert_max_num_queries(10):
        told(stranger, repo="ann/model")


@pytest.mark.parametrize("query", ["repo=model", "repo=ann/model&owner=ann", "cursor=x&owner=ann", "kind=tool"])
def test_a_question_that_makes_no_sense_is_refused(model, owner, query):
    assert owner.get(f"{FEED}?{query}").status_code == 400
