"""Discussions and pull requests, in the JSON that `huggingface_hub.community` reads.

Source: huggingface_hub 2.4.0, `hf_api.py` (get_repo_discussions … merge_pull_request), `community.py`.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _

from catalog import access, actors, discussion_access, links
from catalog.actions.community import discussions, merging, proposals, pull_requests
from catalog.actions.community.proposals import Offer
from catalog.actions.community.pull_requests import Proposal
from catalog.actors import Actor
from catalog.errors import BadInput
from catalog.hub_api import bodies, wire
from catalog.models import Discussion, DiscussionEvent, Repo, User
from catalog.queries import discussions as threads

HIDDEN_TEXT = "This comment has been hidden"


def listed(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    repo = discussion_access.repo_with_discussions(actor, kind, owner, name)
    asked = threads.Asked(
        kind=request.GET.get("type") or "all",
        status=request.GET.get("status") or "all",
        author=bodies.storable(request.GET.get("author", ""), "author"),
        page=_page(request),
    )
    page = threads.discussions_of(repo, asked)
    items = [_discussion(discussion) for discussion in page.items]
    return JsonResponse({"discussions": items, "count": page.count, "start": page.start})


def create(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    body = bodies.json_body(request)
    is_pull_request = body.get("pullRequest") is True
    door = discussion_access.repo_to_propose_to if is_pull_request else discussion_access.repo_to_discuss
    repo, user = door(actor, kind, owner, name), actors.writer(actor)
    title, text = bodies.text_field(body, "title"), bodies.optional_text(body, "description") or ""
    if is_pull_request:
        made = pull_requests.open_pull_request(repo=repo, proposal=Proposal(title, text), actor=user)
    else:
        made = discussions.open_discussion(repo=repo, title=title, text=text, actor=user)
    answer = _discussion(made)
    return JsonResponse({**answer, "url": links.origin(request) + links.discussion(repo, made.num)})


def details(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, num: int) -> JsonResponse:
    repo = discussion_access.repo_with_discussions(actor, kind, owner, name)
    discussion = discussion_access.discussion_to_read(actor, repo, num)
    answer = _discussion(discussion)
    answer["events"] = [_event(event) for event in threads.events_of(discussion)]
    if discussion.is_pull_request:
        offer = proposals.offer_of(discussion)
        answer["changes"] = {"base": f"refs/heads/{discussion.target_branch}"}
        if discussion.merge_oid:
            answer["changes"]["mergeCommitId"] = discussion.merge_oid
        answer["filesWithConflicts"] = _conflicts(discussion, offer)
        if offer is not None and bodies.flag(request, "diff") and access.has_files(actor, repo):
            answer["diff"] = proposals.patch_of(offer)
    return JsonResponse(answer)


def comment(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, num: int) -> JsonResponse:
    repo = discussion_access.repo_to_discuss(actor, kind, owner, name)
    discussion = discussion_access.discussion_to_read(actor, repo, num)
    text = bodies.text_field(bodies.json_body(request), "comment")
    made = discussions.comment(discussion=discussion, text=text, actor=actors.writer(actor))
    return JsonResponse({"newMessage": _event(made)})


def edit_comment(
    request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, num: int, comment_id: str
) -> JsonResponse:
    repo = discussion_access.repo_to_discuss(actor, kind, owner, name)
    found = discussion_access.comment_to_edit(actor, repo, num, comment_id)
    text = bodies.text_field(bodies.json_body(request), "content")
    edited = discussions.edit_comment(comment=found, text=text, actor=actors.writer(actor))
    return JsonResponse({"updatedComment": _event(edited)})


def hide_comment(
    request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, num: int, comment_id: str
) -> JsonResponse:
    repo = discussion_access.repo_to_discuss(actor, kind, owner, name)
    found = discussion_access.comment_to_hide(actor, repo, num, comment_id)
    hidden = discussions.hide_comment(comment=found, actor=actors.writer(actor))
    return JsonResponse({"updatedComment": _event(hidden)})


def rename(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, num: int) -> JsonResponse:
    repo, user = _to_change(actor, kind, owner, name)
    discussion = discussion_access.discussion_to_change(actor, repo, num)
    title = bodies.text_field(bodies.json_body(request), "title")
    return JsonResponse({"newTitle": _event(discussions.rename(discussion=discussion, title=title, actor=user))})


def change_status(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, num: int) -> JsonResponse:
    repo, user = _to_change(actor, kind, owner, name)
    discussion = discussion_access.discussion_to_change(actor, repo, num)
    body = bodies.json_body(request)
    status, text = bodies.text_field(body, "status"), bodies.optional_text(body, "comment") or ""
    event = discussions.change_status(discussion=discussion, status=status, text=text, actor=user)
    return JsonResponse({"newStatus": _event(event)})


def merge(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, num: int) -> JsonResponse:
    repo, user = _to_change(actor, kind, owner, name)
    discussion = discussion_access.discussion_to_merge(actor, repo, num)
    text = bodies.optional_text(bodies.json_body(request, optional=True), "comment") or ""
    commit = merging.merge_pull_request(discussion=discussion, actor=user)
    if text.strip():
        discussions.comment(discussion=discussion, text=text, actor=user)
    return JsonResponse({"mergeCommitId": commit.oid})


def _conflicts(discussion: Discussion, offer: Offer | None) -> list[str] | bool:
    """Paths, or whether it cannot be merged for another reason; what is finished conflicts with nothing."""
    if offer is None:
        return []
    return list(offer.conflicts) if offer.target else discussion.is_unfinished


def _to_change(actor: Actor, kind: str, owner: str, name: str) -> tuple[Repo, User]:
    return discussion_access.repo_to_discuss(actor, kind, owner, name), actors.writer(actor)


def _page(request: HttpRequest) -> int:
    text = request.GET.get("p", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadInput(_("'p' must be a page number"))
    return int(text)


def _discussion(discussion: Discussion) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "num": discussion.num,
        "title": discussion.title,
        "status": discussion.status,
        "isPullRequest": discussion.is_pull_request,
        "createdAt": wire.instant(discussion.created_at),
        "repo": {"name": discussion.repo.full_name, "type": discussion.repo.kind},
    }
    return answer | _author(discussion.author)


def _event(event: DiscussionEvent) -> dict[str, Any]:
    answer = {"id": event.public_id, "type": event.kind, "createdAt": wire.instant(event.created_at)}
    return answer | _author(event.author) | {"data": _data(event)}


def _data(event: DiscussionEvent) -> dict[str, Any]:
    match event.kind:
        case DiscussionEvent.Kind.COMMENT:
            return _comment(event)
        case DiscussionEvent.Kind.STATUS:
            return {"status": event.status}
        case DiscussionEvent.Kind.COMMIT:
            return {"subject": event.title_after, "oid": event.commit_oid}
        case _:
            return {"from": event.title_before, "to": event.title_after}


def _comment(event: DiscussionEvent) -> dict[str, Any]:
    author = _author(event.author)
    text, html = (HIDDEN_TEXT, HIDDEN_TEXT) if event.is_hidden else (event.text, event.html)
    history = [
        {"raw": version.text, "html": version.html, "updatedAt": wire.instant(version.written_at), **author}
        for version in event.versions.all()
    ]
    return {
        "edited": event.edited_at is not None and not event.is_hidden,
        "hidden": event.is_hidden,
        "latest": {
            "raw": text,
            "html": html,
            "updatedAt": wire.instant(event.edited_at or event.created_at),
            **author,
        },
        "numEdits": len(history),
        "history": history,
    }


def _author(user: User | None) -> dict[str, Any]:
    """Nothing for an account that is gone: clients then say "deleted"."""
    if user is None:
        return {}
    return {"author": {"name": user.username, "fullname": user.display_name, "type": "user"}}
