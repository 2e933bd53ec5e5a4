"""The button that follows a person or a team, and the lists of who follows whom."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import access, actors
from catalog.actions.community import following
from catalog.errors import BadInput
from catalog.pages.errors import page
from catalog.queries import follows

SHOWN = 500


@page
@require_POST
def toggle(request: HttpRequest, owner: str) -> HttpResponseBase:
    namespace = access.namespace_named(owner)
    user = actors.personally(actors.actor_of(request))
    try:
        if follows.is_following(user, namespace):
            following.unfollow(namespace=namespace, actor=user)
            messages.info(request, _("You follow %(name)s no more.") % {"name": namespace.name})
        else:
            following.follow(namespace=namespace, actor=user)
            messages.success(request, _("You follow %(name)s; your activity shows it.") % {"name": namespace.name})
    except BadInput as error:
        messages.error(request, error.message)
    return redirect(f"/{namespace.name}")


@page
def followers(request: HttpRequest, owner: str) -> HttpResponse:
    namespace = access.namespace_named(owner)
    rows = follows.followers_of(namespace).order_by("-pk")[:SHOWN]
    shown = {
        "namespace": namespace,
        "owner": namespace.owner,
        "owners": [row.user for row in rows],
        "side": "followers",
    }
    return render(request, "activity/follows.html", shown)


@page
def followed(request: HttpRequest, owner: str) -> HttpResponse:
    person = access.person_named(owner)
    rows = follows.followed_by(person).order_by("-pk")[:SHOWN]
    owners = [row.namespace.owner for row in rows]
    shown = {"namespace": person.namespace, "owner": person, "owners": owners, "side": "following"}
    return render(request, "activity/follows.html", shown)
