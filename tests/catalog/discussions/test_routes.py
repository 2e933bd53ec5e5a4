"""The routes of discussions: who may do what, what is refused, how much one account may say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.actions.community import discussion_log, discussions
from catalog.models import AccessToken, Discussion, DiscussionEvent, Mirror, Repo, User
from tests.catalog.hub_api.conftest import Caller, file_line
from tests.factories import RepoFactory, UserFactory, token_of

pytestmark = pytest.mark.django_db
TALKS = "/api/models/ann/model/discussions"


@pytest.fixture
def talk(repo, ann):
    """Ann's discussion #1 with one comment."""
    return discussions.open_discussion(repo=repo, title="Talk", text="Hello", actor=ann)


@pytest.fixture
def offer(talk, owner):
    """Bob's pull request #2."""
    bob = Caller(token_of(UserFactory(name="bobby")))
    bob.json("POST", TALKS, {"title": "Offer", "description": "D", "pullRequest": True})
    return bob


def comment_of(num=1):
    return DiscussionEvent.objects.get(discussion__num=num, kind="comment").public_id


def calls():
    """Every route that changes something: name, path below the discussions, body."""
    comment = comment_of()
    return [
        ("open", "", {"title": "Another", "description": "x"}),
        ("propose", "", {"title": "Another", "pullRequest": True}),
        ("comment", "/1/comment", {"comment": "Me too"}),
        ("edit", f"/1/comment/{comment}/edit", {"content": "Other words"}),
        ("rename", "/1/title", {"title": "Other title"}),
        ("close", "/1/status", {"status": "closed"}),
        ("hide", f"/1/comment/{comment}/hide", None),
        ("merge", "/1/merge", None),
    ]


ROWS = {
    #            open propose comment edit rename close hide merge (#1 is no pull request: 400 who may merge)
    "owner":    (200, 200, 200, 200, 200, 200, 200, 400),
    "reader":   (403, 403, 403, 403, 403, 403, 403, 403),
    "other":    (200, 200, 200, 403, 403, 403, 403, 403),
    "stranger": (401, 401, 401, 401, 401, 401, 401, 401),
}  # fmt: skip


@pytest.mark.parametrize("who", ROWS)
def test_everybody_may_what_their_role_and_token_allow(request, talk, who):
    caller = request.getfixturevalue(who)

    found = tuple(caller.json("POST", TALKS + path, body).status_code for _name, path, body in calls())

    assert found == ROWS[who]
    assert caller.get(f"{TALKS}/1").status_code == caller.get(TALKS).status_code == 200


def test_private_and_absent_repos_answer_alike(private_repo, ann, other, stranger):
    discussions.open_discussion(repo=private_repo, title="Secret", text="x", actor=ann)
    paths = [(method, path, body) for _name, path, body in calls() for method in ("POST",)]
    paths += [("GET", "", None), ("GET", "/1?diff=1", None)]

    for caller, status in ((other, 404), (stranger, 401)):
        for method, path, body in paths:
            answers = [
                caller.json(method, f"/api/models/ann/{name}/discussions{path}", body) for name in ("secret", "none")
            ]
            assert [answer.status_code for answer in answers] == [status] * 2, path
            bodies = [answer.json() | {"request_id": ""} for answer in answers]
            assert bodies[0] == bodies[1]


def test_authors_keep_their_own_and_writers_look_after_all(offer, owner, other):
    assert offer.json("POST", f"{TALKS}/2/status", {"status": "open"}).status_code == 200
    assert offer.json("POST", f"{TALKS}/2/title", {"title": "Better"}).status_code == 200
    assert offer.json("POST", f"{TALKS}/2/merge").status_code == 403
    assert other.json("POST", f"{TALKS}/2/status", {"status": "closed"}).status_code == 403
    assert owner.json("POST", f"{TALKS}/2/comment/{comment_of(2)}/edit", {"content": "x"}).status_code == 403
    hidden = owner.json("POST", f"{TALKS}/2/comment/{comment_of(2)}/hide").json()["updatedComment"]
    assert hidden["data"]["hidden"] is True
    assert DiscussionEvent.objects.get(public_id=comment_of(2)).text == ""
    assert offer.json("POST", f"{TALKS}/2/comment/{comment_of(2)}/edit", {"content": "x"}).status_code == 403
    assert owner.json("POST", f"{TALKS}/2/merge").status_code == 200


def test_only_the_author_and_writers_commit_to_a_pull_request(offer, owner, other, repo):
    line = file_line("x.txt", b"x")

    assert offer.commit("ann/model", line, revision="refs%2Fpr%2F2").status_code == 200
    assert owner.commit("ann/model", file_line("y.txt", b"y"), revision="refs/pr/2").status_code == 200
    for caller, revision in ((other, "refs%2Fpr%2F2"), (offer, "main"), (offer, "refs%2Fpr%2F9")):
        assert caller.commit("ann/model", line, revision=revision).status_code == 403, revision
    squash = "/api/models/ann/model/super-squash"
    assert offer.json("POST", f"{squash}/main", {"message": "m"}).status_code == 403
    assert offer.json("POST", f"{squash}/refs%2Fpr%2F2", {"message": "m"}).status_code == 200


def test_who_may_write_no_more_loses_their_pull_request(offer, owner, repo):
    Repo.objects.filter(pk=repo.pk).update(visibility="private")
    line = file_line("x.txt", b"x")

    assert offer.commit("ann/model", line, revision="refs%2Fpr%2F2").status_code == 404
    Repo.objects.filter(pk=repo.pk).update(visibility="public", discussions_disabled=True)
    assert offer.commit("ann/model", line, revision="refs%2Fpr%2F2").status_code == 403
    assert owner.commit("ann/model", line, revision="refs%2Fpr%2F2").status_code == 200
    AccessToken.objects.update(role="read")
    assert offer.commit("ann/model", line, revision="refs%2Fpr%2F2").status_code == 403


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("", {"title": ""}, 400),
        ("", {"title": " \n "}, 400),
        ("", {"title": "x" * 201}, 400),
        ("", {"title": "x\0y"}, 400),
        ("", {"title": ["x"]}, 400),
        ("", {"title": "x", "description": 3}, 400),
        ("", {"title": "x", "description": "x" * 65537}, 413),
        ("/1/comment", {"comment": "  "}, 400),
        ("/1/comment", {"comment": "\ud800"}, 400),
        ("/1/comment", {}, 400),
        ("/1/status", {"status": "merged"}, 400),
        ("/1/status", {"status": "open"}, 400),
        ("/1/title", {"title": None}, 400),
        ("/1/comment/00/edit", {"content": "x"}, 404),
        ("/1/comment/..%2f/hide", {}, 404),
        ("/7/comment", {"comment": "x"}, 404),
        ("/99999999999999999999/comment", {"comment": "x"}, 404),
    ],
)
def test_what_is_malformed_is_refused_in_words(owner, talk, path, body, status):
    answer = owner.json("POST", TALKS + path, body)

    assert answer.status_code == status
    assert answer.json()["error"]
    assert Discussion.objects.count() == 1


@pytest.mark.parametrize("query", ["p=-1", "p=x", "p=99999", "type=x", "status=x", "p=9999999999999"])
def test_a_list_that_does_not_exist_is_refused(owner, talk, query):
    assert owner.get(f"{TALKS}?{query}").status_code == 400


def test_pages_follow_one_another(owner, repo, ann):
    rows = [Discussion(repo=repo, num=num, title=f"Number {num}", author=ann) for num in range(1, 32)]
    Discussion.objects.bulk_create(rows)

    first, second, third = (owner.get(f"{TALKS}?p={page}").json() for page in range(3))

    assert [first["count"], first["start"], len(first["discussions"])] == [31, 0, 30]
    assert [second["start"], [found["num"] for found in second["discussions"]]] == [30, [1]]
    assert third["discussions"] == []


def test_a_list_costs_the_same_however_long(owner, repo, ann, django_assert_max_num_queries):
    Discussion.objects.bulk_create([Discussion(repo=repo, num=num, title="x", author=ann) for num in range(1, 31)])

    with django_assert_max_num_queries(5):
        owner.get(TALKS)


def test_words_of_a_gone_account_stay_without_a_name(owner, offer):
    User.objects.filter(username="bobby").update(is_active=False)
    Discussion.objects.filter(num=2).update(author=None)
    DiscussionEvent.objects.filter(discussion__num=2).update(author=None)

    told = owner.get(f"{TALKS}/2?diff=1").json()

    assert "author" not in told
    assert all("author" not in event for event in told["events"])


def test_one_account_does_not_flood_the_repos_of_others(other, owner, talk, monkeypatch):
    monkeypatch.setattr(discussions, "MOST_OPENED", 2)
    monkeypatch.setattr(discussions, "MOST_COMMENTS", 4)
    opened = [other.json("POST", TALKS, {"title": "x", "description": "y"}).status_code for _ in range(3)]
    said = [other.json("POST", f"{TALKS}/1/comment", {"comment": "x"}).status_code for _ in range(3)]
    refused = other.json("POST", f"{TALKS}/1/comment", {"comment": "x"})

    assert opened == [200, 200, 429]
    assert said == [200, 200, 429]
    assert refused["Retry-After"] == "600"
    assert owner.json("POST", TALKS, {"title": "x"}).status_code == 200
    DiscussionEvent.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert other.json("POST", f"{TALKS}/1/comment", {"comment": "x"}).status_code == 200


def test_what_people_write_in_their_own_repos_does_not_count_in_those_of_others(other, owner, talk, monkeypatch):
    monkeypatch.setattr(discussions, "MOST_OPENED", 1)
    monkeypatch.setattr(discussions, "MOST_COMMENTS", 2)
    writer = User.objects.get(username="bob")
    RepoFactory(actor=writer, name="own")
    own = "/api/models/bob/own/discussions"
    for _ in range(3):
        assert other.json("POST", own, {"title": "x", "description": "y"}).status_code == 200

    assert other.json("POST", TALKS, {"title": "x", "description": "y"}).status_code == 200
    assert other.json("POST", TALKS, {"title": "x", "description": "y"}).status_code == 429


def test_a_discussion_is_full_some_day(owner, talk, monkeypatch):
    monkeypatch.setattr(discussion_log, "MOST_TEXT_BYTES", 20)
    found = [owner.json("POST", f"{TALKS}/1/comment", {"comment": "1234567890"}).status_code for _ in range(2)]
    edited = owner.json("POST", f"{TALKS}/1/comment/{comment_of_first()}/edit", {"content": "1234567890"})
    monkeypatch.setattr(discussion_log, "MOST_EVENTS", 2)
    renamed = owner.json("POST", f"{TALKS}/1/title", {"title": "x"})

    assert found == [200, 413]
    assert (edited.status_code, renamed.status_code) == (413, 413)


def comment_of_first():
    return DiscussionEvent.objects.order_by("pk").first().public_id


def test_a_comment_does_nothing_in_a_page(owner, talk):
    text = "**bold** [x](javascript:alert(1)) ![y](http://far.example/z.png) <script>alert(1)</script>"

    html = owner.json("POST", f"{TALKS}/1/comment", {"comment": text}).json()["newMessage"]["data"]["latest"]["html"]

    assert "<strong>bold</strong>" in html
    assert 'href="javascript' not in html
    assert "<script" not in html
    assert "<img" not in html


def test_a_mirror_is_discussed_but_takes_no_pull_requests(owner, other):
    mirror = RepoFactory(actor=User.objects.get(username="ann"), name="mirrored")
    Mirror.objects.create(repo=mirror, source="huggingface", endpoint="http://hub.example", upstream_name="a/b")
    path = "/api/models/ann/mirrored/discussions"

    assert other.json("POST", path, {"title": "Why?"}).status_code == 200
    for caller in (owner, other):
        assert caller.json("POST", path, {"title": "Offer", "pullRequest": True}).status_code == 403
        assert caller.commit("ann/mirrored", file_line("x", b"x"), revision="main?create_pr=1").status_code == 403
