"""Trusted publishers of a repo, and of all repos of a user or team: listed, added, removed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import access, actors, links
from catalog.actions.people import trusted_publishers
from catalog.actions.people.trusted_publishers import Place
from catalog.errors import BadInput, NotFound
from catalog.pages.errors import page
from catalog.pages.forms import PublisherForm
from catalog.pages.frame import frame


@page
def of_repo(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponseBase:
    repo = access.repo_to_administer(actors.actor_of(request), kind, owner, name)
    back = f"{repo.web_path}/settings/publishers"
    resource = repo.web_path.removeprefix("/")
    shown, status = _changed(request, repo, back, resource)
    if shown is None:
        return redirect(back)
    return render(request, "catalog/publishers.html", frame(request, repo, "settings", **shown), status=status)


@page
@require_POST
def remove_of_repo(request: HttpRequest, kind: str, owner: str, name: str, publisher_id: int) -> HttpResponseBase:
    repo = access.repo_to_administer(actors.actor_of(request), kind, owner, name)
    return _removed(request, repo, publisher_id, f"{repo.web_path}/settings/publishers")


@page
def of_namespace(request: HttpRequest, owner: str) -> HttpResponseBase:
    namespace = access.namespace_to_manage(actors.actor_of(request), owner)
    back = f"/settings/publishers/{namespace}"
    shown, status = _changed(request, namespace, back, f"{namespace}/…")
    if shown is None:
        return redirect(back)
    return render(request, "settings/publishers.html", {"namespace": namespace, **shown}, status=status)


@page
@require_POST
def remove_of_namespace(request: HttpRequest, owner: str, publisher_id: int) -> HttpResponseBase:
    namespace = access.namespace_to_manage(actors.actor_of(request), owner)
    return _removed(request, namespace, publisher_id, f"/settings/publishers/{namespace}")


def _changed(request: HttpRequest, place: Place, back: str, resource: str) -> tuple[dict[str, Any] | None, int]:
    """What the page shows and its status; nothing when one was added."""
    form = PublisherForm(request.POST or None, issuers=settings.TRUSTED_PUBLISHER_ISSUERS)
    if request.method == "POST" and form.is_valid():
        user = actors.in_person(actors.actor_of(request), back=back)
        try:
            trusted_publishers.add(place=place, actor=user, **form.cleaned_data)
        except BadInput as problem:
            form.add_error("claims", problem.message)
        else:
            messages.success(request, _("Added. Its jobs may write from now on."))
            return None, 302
    shown = {
        "form": form,
        "publishers": trusted_publishers.publishers_of(place),
        "here": back,
        "endpoint": links.public_origin(request),
        "variables": f"HF_ENDPOINT={links.public_origin(request)}\nHF_OIDC_RESOURCE={resource}",
    }
    return shown, 422 if form.errors else 200


def _removed(request: HttpRequest, place: Place, publisher_id: int, back: str) -> HttpResponseBase:
    publisher = trusted_publishers.publishers_of(place).filter(pk=publisher_id).first()
    if publisher is None:
        raise NotFound
    trusted_publishers.remove(publisher=publisher, actor=actors.writer(actors.actor_of(request)))
    messages.success(request, _("Removed; its tokens stopped working just now."))
    return redirect(back)
