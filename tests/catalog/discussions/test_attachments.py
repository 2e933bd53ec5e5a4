"""Attachments: sent by anybody who may write, shown by comments, served to those who may read one of these."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from catalog.actions import repos
from catalog.actions.community import attachments, discussions
from catalog.actions.upkeep import collection, purge
from catalog.actions.upkeep.collection import Graces
from catalog.models import Attachment, AttachmentUse, Blob, DiscussionEvent, Repo
from catalog.queries import integrity
from catalog.queries.referrers import is_held
from tests.catalog.hub_api.conftest import Caller, body_of, cut_off
from tests.factories import RepoFactory, UserFactory, token_of
from tests.raw_client import RawClient


def png(colour: int = 0) -> bytes:
    """A picture of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes([0, colour]))) + chunk(b"IEND", b"")


MP4 = b"\x00\x00\x00\x20ftypisom" + b"\0" * 60
NO_GRACE = Graces(timedelta(0), timedelta(0), timedelta(0))


def sent(caller, content: bytes = png(), kind: str = "image/png") -> str:
    """The path under which what was sent is served."""
    answer = caller.request("POST", "/uploads", content, content_type=kind)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"].startswith("text/plain")
    return answer.content.decode().removeprefix("http://testserver")


def say(caller, text: str, repo: str = "ann/model"):
    made = caller.json("POST", f"/api/models/{repo}/discussions", {"title": "Look", "description": text})
    assert made.status_code == 200, made.content
    return DiscussionEvent.objects.filter(discussion__num=made.json()["num"], discussion__repo__name=repo[4:]).latest(
        "pk"
    )


def test_a_picture_is_its_senders_until_a_comment_shows_it(repo, owner, other, stranger):
    path = sent(other)
    assert [caller.head(path).status_code for caller in (other, owner, stranger)] == [200, 404, 404]
    hidden, absent = (owner.get(one).json() for one in (path, f"/-/attachments/{'0' * 24}"))
    assert {**hidden, "request_id": ""} == {**absent, "request_id": ""}

    comment = say(other, f"![the bug](http://testserver{path})")

    answer = stranger.get(path)
    assert body_of(answer) == png()
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert answer["Content-Disposition"].startswith("inline")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert f'<img src="{path}" alt="the bug"' in comment.html
    assert f'src="{path}"' in RawClient().get("/ann/model/discussions/1").content.decode()


def test_what_comments_of_a_private_repo_show_is_as_private(private_repo, owner, other, stranger):
    path = sent(owner)

    say(owner, f"![x](http://testserver{path})", "ann/secret")

    answer = owner.head(path)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-store")
    assert [caller.head(path).status_code for caller in (other, stranger)] == [404, 404]
    browser = RawClient()
    browser.force_login(private_repo.created_by)
    assert browser.head(path).status_code == 200


def test_the_right_is_asked_for_every_time(repo, ann, owner, other, stranger):
    path = sent(other)
    comment = say(other, f"![x](http://testserver{path})")
    seen = [stranger.head(path).status_code]

    repos.change_settings(repo=repo, visibility="private", actor=ann)
    seen += [stranger.head(path).status_code, owner.head(path).status_code]
    repos.change_settings(repo=repo, visibility="public", actor=ann)
    discussions.switch(repo=repo, disabled=True, actor=ann)
    seen += [stranger.head(path).status_code]
    discussions.switch(repo=repo, disabled=False, actor=ann)
    repos.delete_repo(repo=repo, actor=ann)
    seen += [stranger.head(path).status_code]
    purge.undelete(repo=repo, actor=ann)
    seen += [stranger.head(path).status_code]
    discussions.hide_comment(comment=DiscussionEvent.objects.get(pk=comment.pk), actor=ann)
    seen += [stranger.head(path).status_code, other.head(path).status_code]

    assert seen == [200, 404, 200, 404, 404, 200, 404, 200]


def test_a_comment_shows_no_attachment_of_others_from_elsewhere(repo, owner, other, stranger):
    RepoFactory(actor=repo.created_by, name="other")
    path = sent(owner)

    stolen = say(other, f"![x](http://testserver{path})")

    assert "<img" not in stolen.html
    assert stranger.head(path).status_code == 404
    say(owner, f"![x](http://testserver{path})", "ann/model")
    assert "<img" in say(other, f"![quoted]({path})", "ann/model").html
    assert "<img" not in say(other, f"![x](http://testserver{path})", "ann/other").html
    assert "<img" not in say(other, "![x](/-/attachments/../../api/whoami-v2)").html


def test_earlier_versions_keep_what_they_show(repo, owner, stranger):
    first, second = sent(owner), sent(owner, png(1))
    comment = say(owner, f"![x](http://testserver{first})")

    edited = owner.json(
        "POST", f"/api/models/ann/model/discussions/1/comment/{comment.public_id}/edit",
        {"content": f"![y](http://testserver{second})"},
    )  # fmt: skip

    assert edited.status_code == 200
    assert [stranger.head(path).status_code for path in (first, second)] == [200, 200]


def test_films_and_sounds_are_downloads(repo, owner, stranger):
    path = sent(owner, MP4, "image/png")  # what it is called does not count
    sound = sent(owner, b"ID3" + b"\0" * 100, "audio/mpeg")

    comment = say(owner, f'http://testserver{path}\n\n<audio controls src="http://testserver{sound}"></audio>')

    for one in (path, sound):
        answer = stranger.get(one)
        body_of(answer)
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"].startswith("attachment")
        assert f'href="http://testserver{one}"' in comment.html
    assert "<audio" not in comment.html


@pytest.mark.parametrize(
    "content", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"%PDF-1.7", b"RIFF1234AVI ", b"GIF87"]
)
def test_only_pictures_films_and_sounds_are_taken(owner, content):
    answer = owner.request("POST", "/uploads", content, content_type="image/png")

    assert (answer.status_code, answer["X-Error-Code"]) == (400, "BadInput")
    assert "PNG, JPEG" in answer.json()["error"]
    assert not Attachment.objects.exists()


def test_who_may_attach(owner, reader, stranger):
    assert stranger.request("POST", "/uploads", png(), content_type="image/png").status_code == 401
    assert reader.request("POST", "/uploads", png(), content_type="image/png").status_code == 403
    browser = RawClient(enforce_csrf_checks=True)
    browser.force_login(UserFactory())
    assert browser.post("/uploads", png(), content_type="image/png").status_code == 401  # cookies do not count
    assert owner.get("/uploads").status_code == 405


def test_a_file_that_is_too_large_is_refused_early_and_by_count(owner, settings):
    settings.ATTACHMENT_MB, settings.ATTACHMENT_VIDEO_MB = 1, 2
    large = png() + b"\0" * 1_000_000

    for options in ({}, {"CONTENT_LENGTH": "", "wsgi.input": io.BytesIO(large), "wsgi.input_terminated": True}):
        answer = owner.request("POST", "/uploads", large, content_type="image/png", **options)
        assert (answer.status_code, answer["X-Error-Code"]) == (413, "TooLarge"), options
        assert "at most 1 MB" in answer.json()["error"]
    sent(owner, MP4 + b"\0" * 1_000_000, "video/mp4")
    assert owner.request("POST", "/uploads", b"", **cut_off(png(), announced=3_000_000)).status_code == 413
    assert owner.request("POST", "/uploads", b"", **cut_off(png())).status_code == 422
    assert Attachment.objects.count() == 1


def test_one_account_holds_no_more_than_its_share(owner, other, settings):
    settings.ATTACHMENT_QUOTA_MB = 1
    content = png() + b"\0" * 600_000
    sent(owner, content)

    refused = owner.request("POST", "/uploads", content, content_type="image/png")

    assert (refused.status_code, refused["X-Error-Code"]) == (413, "QuotaExceeded")
    assert "1 MB together" in refused.json()["error"]
    sent(other, content)  # everybody has their own


def test_collection_takes_what_no_comment_shows_after_some_days(repo, ann, owner):
    kept, unused = sent(owner), sent(owner, png(1))
    say(owner, f"![x](http://testserver{kept})")
    blobs = {one.path: one.blob for one in Attachment.objects.select_related("blob")}
    assert attachments.forget_unused() == 0
    Attachment.objects.update(created_at=Now() - timedelta(days=8))

    assert attachments.forget_unused() == 1

    assert is_held(blobs[kept])
    assert not is_held(blobs[unused])
    assert owner.head(unused).status_code == 404
    assert list(integrity.problems(with_data=True)) == []
    repos.delete_repo(repo=repo, actor=ann)
    Repo.objects.filter(pk=repo.pk).update(deleted_at=Now() - timedelta(days=31))
    assert attachments.forget_unused() == 0  # it may still come back
    assert purge.purge_deleted() == 1
    assert not AttachmentUse.objects.exists()
    assert attachments.forget_unused() == 1
    assert not is_held(blobs[kept])


def test_bytes_in_use_survive_a_collection_without_grace(repo, owner, stranger):
    kept, unused = sent(owner), sent(owner, png(1))
    say(owner, f"![x](http://testserver{kept})")
    Attachment.objects.filter(public_id=unused.rpartition("/")[2]).delete()

    for _ in range(3):
        collection.collect(NO_GRACE, force=True, with_orphans=False)

    assert body_of(stranger.get(kept)) == png()
    assert not Blob.objects.filter(size=len(png(1)), sha256__in=[hashlib.sha256(png(1)).hexdigest()]).exists()


def test_damaged_bytes_are_not_served(repo, owner):
    path = sent(owner)
    Blob.objects.update(state=Blob.State.CORRUPT)

    assert owner.head(path).status_code == 503


def test_a_long_comment_is_rendered_apart_and_shows_them_too(repo, owner):
    path = sent(owner)

    comment = say(owner, f"![x](http://testserver{path})\n\n" + "word " * 1000)

    assert f'<img src="{path}"' in comment.html


def test_a_stranger_to_the_repo_may_attach_in_its_discussions(repo, stranger):
    carl = Caller(token_of(UserFactory(name="carl")))
    path = sent(carl)

    say(carl, f"![x](http://testserver{path})")

    assert stranger.head(path).status_code == 200
