"""Discussions as people without scripts see and use them."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog.actions.community import discussions, pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.models import Discussion, Repo
from catalog.queries import trees
from tests.factories import RepoFactory, UserFactory, commit_content
from tests.pages.looking import links_of, text_of

pytestmark = pytest.mark.django_db
PAGE = "/ann/model/discussions"


@pytest.fixture
def repo():
    made = RepoFactory(actor=UserFactory(name="ann"), name="model")
    commit_content(made, {"a.txt": b"one\n"})
    return made


@pytest.fixture
def offer(repo):
    """Bob's pull request #1, with a changed file, ready to be merged."""
    made = pull_requests.open_pull_request(
        repo=repo, proposal=Proposal("Make it two", "Because **two**"), actor=UserFactory(name="bob"), status="open"
    )
    commit_content(repo, {"a.txt": b"two\n"}, branch=made.git_ref, actor=made.author)
    return made


def test_a_list_has_filters_that_are_addresses(client, repo, offer):
    discussions.open_discussion(repo=repo, title="Closed talk", text="", actor=repo.created_by)
    Discussion.objects.filter(num=2).update(status="closed")

    opened, everything = client.get(PAGE), client.get(f"{PAGE}?status=all")

    assert "Make it two" in text_of(opened)
    assert "Closed talk" not in text_of(opened)
    assert "Closed talk" in text_of(everything)
    assert "?type=pull_request&status=all" in links_of(everything)
    assert "Discussions 1" in text_of(opened)  # the tab counts what is open
    assert client.get(f"{PAGE}?status=nothing").status_code == 400


def test_a_thread_shows_words_events_and_changes(client, repo, offer):
    thread, files = client.get(f"{PAGE}/1"), client.get(f"{PAGE}/1/files")

    assert "<strong>two</strong>" in thread.content.decode()
    assert "bob committed Add files" in text_of(thread)
    assert "/ann/model/tree/refs%2Fpr%2F1" in links_of(thread)
    assert "-one" in text_of(files)
    assert "+two" in text_of(files)
    assert "Merge" not in text_of(thread)
    assert client.get("/ann/model/tree/refs%2Fpr%2F1").status_code == 200


def test_people_open_and_answer_without_scripts(signed_in, repo):
    carol = signed_in(UserFactory(name="carol"))

    opened = carol.post(f"{PAGE}/new", {"title": "How?", "text": "Tell me"})
    said = carol.post(f"{PAGE}/1", {"text": "Anybody?"})
    empty = carol.post(f"{PAGE}/1", {"text": " "})

    assert (opened.status_code, opened["Location"]) == (302, f"{PAGE}/1")
    assert said["Location"].startswith(f"{PAGE}/1#")
    assert empty.status_code == 422
    seen = text_of(carol.get(f"{PAGE}/1"))
    assert "Tell me" in seen
    assert "Anybody?" in seen


def test_the_owner_merges_and_the_author_does_not(signed_in, repo, offer):
    bob, ann = signed_in(offer.author), signed_in(repo.created_by)

    refused = bob.post(f"{PAGE}/1/merge", follow=True)
    assert "Only whoever may write" in text_of(refused)
    merged = ann.post(f"{PAGE}/1/merge", follow=True)

    assert "It is merged into main." in text_of(merged)
    assert trees.head_of(repo).title == "Make it two (#1)"


def test_own_words_are_edited_hidden_renamed_and_closed(signed_in, client, repo, offer):
    bob, other = signed_in(offer.author), signed_in(UserFactory())
    comment = offer.events.get(kind="comment").public_id

    form = bob.get(f"{PAGE}/1?edit={comment}")
    bob.post(f"{PAGE}/1/edit", {"comment": comment, "text": "Other words"})
    bob.post(f"{PAGE}/1/title", {"title": "Other title"})
    bob.post(f"{PAGE}/1/status", {"status": "closed"})
    other.post(f"{PAGE}/1/hide", {"comment": comment})

    assert "Because **two**" in form.content.decode()
    seen = text_of(client.get(f"{PAGE}/1"))
    for words in ("Other words", "edited", "renamed it from Make it two to Other title", "closed it"):
        assert words in seen, words
    bob.post(f"{PAGE}/1/hide", {"comment": comment})
    assert "Other words" not in text_of(client.get(f"{PAGE}/1"))


def test_a_change_that_is_refused_keeps_what_was_typed(signed_in, repo, offer):
    bob, ann = signed_in(offer.author), signed_in(repo.created_by)
    comment = offer.events.get(kind="comment").public_id

    long = bob.post(f"{PAGE}/1/edit", {"comment": comment, "text": "x" * 70_000})
    empty = bob.post(f"{PAGE}/1/edit", {"comment": comment, "text": " "})

    assert (long.status_code, empty.status_code) == (422, 422)
    assert "x" * 70_000 in long.content.decode()
    assert "at most 64 KiB" in text_of(long)
    assert ann.post(f"{PAGE}/1/edit", {"comment": comment, "text": "Mine"}).status_code == 403


def test_a_conflict_is_shown_before_anybody_tries(signed_in, repo, offer):
    commit_content(repo, {"a.txt": b"three\n"})
    ann = signed_in(repo.created_by)

    seen = text_of(ann.get(f"{PAGE}/1"))

    assert "both sides changed these files. a.txt" in seen
    assert "Merge" not in seen
    assert "both sides" in text_of(ann.post(f"{PAGE}/1/merge", follow=True))


def test_discussions_are_turned_off_in_the_settings(signed_in, client, repo, offer):
    ann = signed_in(repo.created_by)

    ann.post("/ann/model/settings/discussions", {"disabled": "yes"})
    off = [client.get(path).status_code for path in (PAGE, f"{PAGE}/1", f"{PAGE}/1/files")]
    tabs = text_of(client.get("/ann/model"))
    ann.post("/ann/model/settings/discussions", {"disabled": "no"})

    assert off == [403] * 3
    assert "Discussions" not in tabs
    assert client.get(PAGE).status_code == 200
    assert signed_in(offer.author).post("/ann/model/settings/discussions", {"disabled": "yes"}).status_code == 403


def test_private_and_absent_repos_look_alike(client, signed_in, repo, offer):
    Repo.objects.filter(pk=repo.pk).update(visibility="private")
    paths = ["discussions", "discussions/new", "discussions/1", "discussions/1/files"]
    changes = [f"discussions/1/{change}" for change in ("status", "title", "merge", "edit", "hide")]
    stranger = signed_in(UserFactory())

    for person in (client, stranger):
        assert {person.get(f"/ann/{name}/{path}").status_code for name in ("model", "none") for path in paths} == {404}
        assert {person.post(f"/ann/{name}/{path}").status_code for name in ("model", "none") for path in changes} == {
            404
        }
    assert {client.get(f"{PAGE}/1/{change}").status_code for change in ("status", "merge")} == {405}


def test_a_comment_takes_a_picture_along_without_scripts(signed_in, client, repo, offer):
    browser = signed_in(offer.author)
    picture = SimpleUploadedFile("my [screen] (1).png", b"\x89PNG\r\n\x1a\n" + b"p" * 100, content_type="text/html")

    said = browser.post(f"{PAGE}/1", {"text": "Look:", "attachment": picture})
    thread = client.get(f"{PAGE}/1").content.decode()

    assert said.status_code == 302
    path = re.search(r'<img src="(/-/attachments/[0-9a-f]{24})" alt="my screen 1.png"', thread)[1]
    assert client.head(path)["Content-Type"] == "image/png"
    page = SimpleUploadedFile("page.png", b"<html>" + b" " * 100, content_type="image/png")
    refused = browser.post(f"{PAGE}/new", {"title": "A page", "text": "Kept words", "attachment": page})
    assert refused.status_code == 422
    assert "can be attached" in text_of(refused)
    assert "Kept words" in refused.content.decode()
    assert repo.discussions.count() == 1
    sound = SimpleUploadedFile("a.mp3", b"ID3" + b" " * 100)
    opened = browser.post(f"{PAGE}/new", {"title": "A sound", "text": "Hear", "attachment": sound})
    assert re.search(
        r'<a href="/-/attachments/[0-9a-f]{24}"[^>]*>a.mp3</a>', client.get(opened["Location"]).content.decode()
    )
