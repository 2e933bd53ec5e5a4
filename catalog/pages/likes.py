"""The button that likes a repo, and takes the like back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import actors
from catalog.actions.community import likes
from catalog.pages.errors import page
from catalog.pages.frame import readable


@page
@require_POST
def toggle(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponseBase:
    repo = readable(request, kind, owner, name)
    user = actors.personally(actors.actor_of(request))
    if repo.likes.filter(user=user).exists():
        likes.unlike(repo=repo, actor=user)
        messages.info(request, _("You like it no more."))
    else:
        likes.like(repo=repo, actor=user)
        messages.success(request, _("You like it; your profile lists it."))
    return redirect(repo.web_path)
