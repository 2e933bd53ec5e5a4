"""Settings of one repo: who sees it, and its end."""

from __future__ import annotations

from django.conf import settings as site
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import access, actors
from catalog.actions import repos
from catalog.models import AccessRequest
from catalog.pages.errors import page
from catalog.pages.forms import VisibilityForm
from catalog.pages.frame import frame


@page
def settings(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponseBase:
    actor = actors.actor_of(request)
    repo = access.repo_to_administer(actor, kind, owner, name)
    form = VisibilityForm(request.POST or None, initial={"visibility": repo.visibility})
    if request.method == "POST" and form.is_valid():
        repos.change_settings(repo=repo, visibility=form.cleaned_data["visibility"], actor=actors.writer(actor))
        messages.success(request, _("Saved."))
        return redirect(f"{repo.web_path}/settings")
    waiting = repo.access_requests.filter(state=AccessRequest.State.PENDING).count() if repo.is_gated else 0
    shown = frame(request, repo, "settings", form=form, waiting=waiting, publishers=repo.publishers.count())
    return render(request, "catalog/repo_settings.html", shown)


@page
@require_POST
def delete(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponseBase:
    """Delete, when the name was typed again."""
    actor = actors.actor_of(request)
    repo = access.repo_to_administer(actor, kind, owner, name)
    if request.POST.get("typed_name", "").strip() != repo.full_name:
        messages.error(
            request, _("Nothing was deleted: the name you typed is not %(name)s.") % {"name": repo.full_name}
        )
        return redirect(f"{repo.web_path}/settings")
    repos.delete_repo(repo=repo, actor=actors.writer(actor))
    words = _("%(name)s is deleted. For %(days)d days it can be restored under Settings, Deleted repos.")
    messages.success(request, words % {"name": repo.full_name, "days": site.DELETED_REPO_DAYS})
    return redirect(f"/{repo.namespace.name}")
