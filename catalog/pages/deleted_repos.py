"""Deleted repos, for those who may bring them back: the list, restoring, and deleting for good."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import access, actors
from catalog.actions.upkeep import purge
from catalog.errors import InvalidName, NameTaken, QuotaExceeded
from catalog.pages.errors import page
from catalog.queries import deleted_repos

LIST = "/settings/deleted"


@page
def deleted_list(request: HttpRequest) -> HttpResponse:
    user = actors.in_full(actors.actor_of(request))
    owner = request.GET.get("owner", "").replace("\0", "")
    found = deleted_repos.find_restorable(user, owner=owner, cursor=request.GET.get("cursor", ""))
    more = {"cursor": found.next_cursor, **({"owner": owner} if owner else {})}
    shown = {
        "tab": "deleted",
        "owner": owner,
        "rows": found.items,
        "next_url": f"?{urlencode(more)}" if found.next_cursor else "",
    }
    return render(request, "settings/deleted.html", shown)


@page
@require_POST
def restore(request: HttpRequest, public_id: str) -> HttpResponseBase:
    actor = actors.actor_of(request)
    repo = access.deleted_repo_to_manage(actor, public_id)
    name = request.POST.get("name", "").strip() or None
    try:
        restored = purge.undelete(repo=repo, name=name, actor=actors.personally(actor))
    except (InvalidName, NameTaken, QuotaExceeded) as error:
        messages.error(request, error.message)
        return redirect(LIST)
    messages.success(request, _("%(name)s is back.") % {"name": restored.full_name})
    return redirect(restored.web_path)


@page
@require_POST
def give_up(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Delete for good, when the name was typed again."""
    actor = actors.actor_of(request)
    repo = access.deleted_repo_to_manage(actor, public_id)
    if request.POST.get("typed_name", "").strip() != repo.full_name:
        messages.error(
            request, _("Nothing was deleted: the name you typed is not %(name)s.") % {"name": repo.full_name}
        )
        return redirect(LIST)
    purge.give_up(repo=repo, actor=actors.personally(actor))
    messages.success(request, _("%(name)s is gone for good.") % {"name": repo.full_name})
    return redirect(LIST)
