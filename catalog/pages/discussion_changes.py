"""What people do to a discussion on its page: close, open, merge, rename, edit and hide. POST only."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import access, actors, discussion_access, links
from catalog.actions.community import discussions, merging
from catalog.actors import Actor
from catalog.errors import BadInput, MergeConflict, NotAllowed, TooLarge, TooManyRequests
from catalog.models import Repo
from catalog.pages.discussion_forms import CommentForm
from catalog.pages.discussions import Edited, thread_page
from catalog.pages.errors import page

_Change = Callable[[HttpRequest, Actor, Repo, int], str]
_TOLD = (BadInput, MergeConflict, NotAllowed, TooLarge, TooManyRequests)


def _view(change: _Change) -> Callable[..., HttpResponseBase]:
    """A page's view that makes one change and goes back to the thread, with words when it did not work."""

    @page
    @require_POST
    def view(request: HttpRequest, kind: str, owner: str, name: str, num: int) -> HttpResponseBase:
        actor = actors.actor_of(request)
        repo = discussion_access.repo_to_discuss(actor, kind, owner, name)
        try:
            messages.success(request, change(request, actor, repo, num))
        except _TOLD as error:
            messages.error(request, error.message)
        return redirect(links.discussion(repo, num))

    return view


@_view
def status(request: HttpRequest, actor: Actor, repo: Repo, num: int) -> str:
    discussion = discussion_access.discussion_to_change(actor, repo, num)
    wanted = request.POST.get("status", "")
    discussions.change_status(discussion=discussion, status=wanted, actor=actors.writer(actor))
    return _("It is closed.") if wanted == "closed" else _("It is open.")


@_view
def title(request: HttpRequest, actor: Actor, repo: Repo, num: int) -> str:
    discussion = discussion_access.discussion_to_change(actor, repo, num)
    discussions.rename(discussion=discussion, title=request.POST.get("title", ""), actor=actors.writer(actor))
    return _("It has a new title.")


@_view
def merge(request: HttpRequest, actor: Actor, repo: Repo, num: int) -> str:
    discussion = discussion_access.discussion_to_merge(actor, repo, num)
    merging.merge_pull_request(discussion=discussion, actor=actors.writer(actor))
    return _("It is merged into %(branch)s.") % {"branch": discussion.target_branch}


@page
@require_POST
def edit(request: HttpRequest, kind: str, owner: str, name: str, num: int) -> HttpResponseBase:
    """Change one's own comment; what was typed stays in the form when it did not work."""
    actor = actors.actor_of(request)
    repo = discussion_access.repo_to_discuss(actor, kind, owner, name)
    comment = discussion_access.comment_to_edit(actor, repo, num, request.POST.get("comment", ""))
    form = CommentForm(request.POST, auto_id="edit-%s")
    if form.is_valid():
        try:
            discussions.edit_comment(comment=comment, text=form.cleaned_data["text"], actor=actors.writer(actor))
        except (BadInput, TooLarge, TooManyRequests) as error:
            form.add_error("text", error.message)
        else:
            messages.success(request, _("Your comment is changed."))
            return redirect(f"{links.discussion(repo, num)}#{comment.public_id}")
    discussion = discussion_access.discussion_to_read(actor, repo, num)
    edited = Edited(comment.public_id, form)
    return thread_page(request, actor, discussion, CommentForm(), edited=edited, status=422)


@_view
def hide(request: HttpRequest, actor: Actor, repo: Repo, num: int) -> str:
    comment = discussion_access.comment_to_hide(actor, repo, num, request.POST.get("comment", ""))
    discussions.hide_comment(comment=comment, actor=actors.writer(actor))
    return _("The comment is hidden.")


@page
@require_POST
def switch(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponseBase:
    """Turn discussions of a repo off, or on again."""
    actor = actors.actor_of(request)
    repo = access.repo_to_administer(actor, kind, owner, name)
    discussions.switch(repo=repo, disabled=request.POST.get("disabled") == "yes", actor=actors.writer(actor))
    messages.success(request, _("Saved."))
    return redirect(f"{repo.web_path}/settings")
