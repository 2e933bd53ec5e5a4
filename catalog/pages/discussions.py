"""Discussions and pull requests of one repo: the list, a thread, a new one, and what a pull request changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog import access, actors, discussion_access, links
from catalog.actions.community import attachments, discussions, proposals
from catalog.actions.community.proposals import Offer
from catalog.actors import Actor
from catalog.errors import BadInput, TooLarge, TooManyRequests
from catalog.models import Discussion, DiscussionEvent, User
from catalog.pages.discussion_forms import CommentForm, DiscussionForm, TitleForm
from catalog.pages.errors import page
from catalog.pages.frame import frame
from catalog.pages.shown_changes import shown_changes
from catalog.queries import closed_offers
from catalog.queries import discussions as threads

FILES_SHOWN: Final = 50
STATUSES: Final = {"open": gettext_lazy("Open"), "closed": gettext_lazy("Closed"), "all": gettext_lazy("All")}
KINDS: Final = {
    "all": gettext_lazy("Everything"),
    "discussion": gettext_lazy("Discussions"),
    "pull_request": gettext_lazy("Pull requests"),
}


@dataclass(frozen=True)
class Choice:
    """One value of a filter, as a link."""

    label: str
    href: str
    is_chosen: bool


@dataclass(frozen=True)
class ShownEvent:
    """One event, and what this reader may do about it."""

    event: DiscussionEvent
    may_edit: bool
    may_hide: bool
    form: CommentForm | None  # while it is being edited


@dataclass(frozen=True)
class Edited:
    """A comment whose change was refused, with what was typed."""

    comment: str  # its public id
    form: CommentForm


@page
def discussion_list(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponse:
    repo = discussion_access.repo_with_discussions(actors.actor_of(request), kind, owner, name)
    asked = _asked(request)
    found = threads.discussions_of(repo, asked)
    shown = frame(
        request,
        repo,
        "discussions",
        discussions=found.items,
        count=found.count,
        is_filtered=asked != threads.Asked(status="open"),
        statuses=[_choice(label, asked, status=value) for value, label in STATUSES.items()],
        kinds=[_choice(label, asked, type=value) for value, label in KINDS.items()],
        previous_url=_address(asked, p=asked.page - 1) if asked.page else "",
        next_url=_address(asked, p=asked.page + 1) if found.has_more else "",
    )
    return render(request, "discussions/list.html", shown)


@page
def new(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponseBase:
    actor = actors.actor_of(request)
    repo = discussion_access.repo_to_discuss(actor, kind, owner, name)
    form = DiscussionForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = actors.writer(actor)
            title, text = form.cleaned_data["title"], _words(form, user)
            made = discussions.open_discussion(repo=repo, title=title, text=text, actor=user)
        except (BadInput, TooLarge, TooManyRequests) as error:
            form.add_error(None, error.message)
        else:
            return redirect(links.discussion(repo, made.num))
    status = 422 if form.errors else 200
    return render(request, "discussions/new.html", frame(request, repo, "discussions", form=form), status=status)


@page
def thread(request: HttpRequest, kind: str, owner: str, name: str, num: int) -> HttpResponseBase:
    """One discussion; a POST is a comment upon it."""
    actor = actors.actor_of(request)
    repo = discussion_access.repo_with_discussions(actor, kind, owner, name)
    discussion = discussion_access.discussion_to_read(actor, repo, num)
    if request.method != "POST":
        return thread_page(request, actor, discussion, CommentForm())
    user = access.acting_on(actor, repo)
    form = CommentForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            made = discussions.comment(discussion=discussion, text=_words(form, user), actor=user)
        except (BadInput, TooLarge, TooManyRequests) as error:
            form.add_error(None, error.message)
        else:
            return redirect(f"{links.discussion(repo, num)}#{made.public_id}")
    return thread_page(request, actor, discussion, form, status=422)


@page
def files(request: HttpRequest, kind: str, owner: str, name: str, num: int) -> HttpResponseBase:
    """What a pull request changes."""
    actor = actors.actor_of(request)
    repo = discussion_access.repo_with_discussions(actor, kind, owner, name)
    discussion = discussion_access.discussion_to_read(actor, repo, num)
    if not discussion.is_pull_request:
        raise BadInput(_("Only pull requests have changed files."))
    offer = proposals.offer_of(discussion)
    if offer is None:
        return redirect(links.discussion(repo, num))  # which says why there are none any more
    opened = access.has_files(actor, repo)
    listed = proposals.changes_of(offer, limit=FILES_SHOWN)
    changes = shown_changes(listed, partial(links.blob, repo, discussion.git_ref), with_text=opened)
    shown = _frame(request, actor, discussion, offer) | {
        "changes": changes,
        "commits": proposals.commits_of(offer),
        "has_more": len(offer.changed) > FILES_SHOWN,
        "part": "files",
    }
    return render(request, "discussions/files.html", shown)


def thread_page(
    request: HttpRequest,
    actor: Actor,
    discussion: Discussion,
    form: CommentForm,
    *,
    edited: Edited | None = None,
    status: int = 200,
) -> HttpResponse:
    """The thread with a form for a new comment, and with a comment whose change did not work yet."""
    offer = proposals.offer_of(discussion)
    events = [_shown(request, actor, discussion, event, edited) for event in threads.events_of(discussion)]
    shown = _frame(request, actor, discussion, offer) | {"events": events, "form": form, "part": "talk"}
    return render(request, "discussions/thread.html", shown, status=status)


def _words(form: CommentForm | DiscussionForm, user: User) -> str:
    """What somebody says, with the file they chose below it. Raises `BadInput`, `TooLarge`."""
    text: str = form.cleaned_data["text"]
    file = form.cleaned_data["attachment"]
    if file is None:
        return text
    made = attachments.attach(chunks=file.chunks(), size=file.size, actor=user)
    return f"{text}\n\n{attachments.markdown_of(made, words=file.name)}"


def _frame(request: HttpRequest, actor: Actor, discussion: Discussion, offer: Offer | None) -> dict[str, Any]:
    may_change = discussion_access.may_change(actor, discussion)
    shown = frame(
        request,
        discussion.repo,
        "discussions",
        discussion=discussion,
        here=links.discussion(discussion.repo, discussion.num),
        offer=offer,
        kept_until=closed_offers.kept_until(discussion),
        may_change=may_change,
        title_form=TitleForm(initial={"title": discussion.title}) if may_change and "rename" in request.GET else None,
    )
    shown["may_merge"] = shown["writes"] and discussion.is_pull_request and discussion.is_unfinished
    return shown


def _shown(
    request: HttpRequest, actor: Actor, discussion: Discussion, event: DiscussionEvent, edited: Edited | None
) -> ShownEvent:
    if event.kind != DiscussionEvent.Kind.COMMENT or event.is_hidden or actor.user is None or not actor.may_write:
        return ShownEvent(event, may_edit=False, may_hide=False, form=None)
    is_own = event.author_id == actor.user.pk
    may_hide = is_own or access.can_write_to(actor.user, discussion.repo)
    is_edited = is_own and request.GET.get("edit") == event.public_id
    form = CommentForm(initial={"text": event.text}, auto_id="edit-%s") if is_edited else None
    if edited is not None and edited.comment == event.public_id:
        form = edited.form
    return ShownEvent(event, may_edit=is_own, may_hide=may_hide, form=form)


def _asked(request: HttpRequest) -> threads.Asked:
    """What the address asks for; open ones first, as people come for those."""
    number = request.GET.get("p", "0")
    return threads.Asked(
        kind=request.GET.get("type") or "all",
        status=request.GET.get("status") or "open",
        author=request.GET.get("author", "").replace("\0", ""),
        page=int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 0,
    )


def _choice(label: object, asked: threads.Asked, **changed: str) -> Choice:
    chosen = {"type": asked.kind, "status": asked.status}
    return Choice(str(label), _address(asked, **changed), all(chosen[key] == value for key, value in changed.items()))


def _address(asked: threads.Asked, **changed: object) -> str:
    values = {"type": asked.kind, "status": asked.status, "author": asked.author, "p": "", **changed}
    plain = {"type": "all", "status": "open", "author": "", "p": 0}
    return "?" + urlencode({key: value for key, value in values.items() if value and value != plain[key]})
