"""Mirrors: which there are, how their jobs go, and adding one."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import access, actors
from catalog.actions.mirroring import mirrors as actions
from catalog.actions.mirroring.mirrors import Upstream
from catalog.errors import BadInput, InvalidName, NameTaken, NotAllowed, UpstreamNotAllowed
from catalog.models import Mirror, SyncRun, User
from catalog.pages.errors import page
from catalog.pages.forms import MirrorForm
from catalog.pages.new import namespaces_of
from catalog.pages.polling import etag_of, fragment
from catalog.queries import mirror_list

SOURCE = "huggingface"  # the one adapter so far; every hub that speaks its API counts
FILES_SHOWN = 200


@page
def mirrors(request: HttpRequest) -> HttpResponse:
    user = actors.actor_of(request).user
    found = mirror_list.find_mirrors(user, cursor=request.GET.get("cursor", ""))
    next_url = f"?cursor={found.next_cursor}" if found.next_cursor else ""
    shown = {"rows": found.items, "next_url": next_url, "hosts": settings.MIRROR_ALLOWED_HOSTS}
    return render(request, "mirrors/list.html", shown)


@page
def mirror(request: HttpRequest, mirror_id: int) -> HttpResponse:
    shown = _frame(request, mirror_id)
    return render(request, "mirrors/mirror.html", shown)


@page
def status(request: HttpRequest, mirror_id: int) -> HttpResponse:
    """The part that changes, polled while a job is under way."""
    shown = _frame(request, mirror_id)
    return fragment(request, "mirrors/status.html", shown, shown["etag"])


@page
@require_POST
def sync(request: HttpRequest, mirror_id: int) -> HttpResponseBase:
    actor = actors.actor_of(request)
    found = mirror_list.mirror_to_read(actor.user, mirror_id)
    if not _may_sync(actors.writer(actor), found):
        raise NotAllowed(_("Who may write to the namespace may ask for a sync."))
    actions.request_sync(mirror=found, actor=actor)
    return redirect(f"/mirrors/{found.pk}")


@page
def new_mirror(request: HttpRequest) -> HttpResponseBase:
    actor = actors.actor_of(request)
    user = actors.writer(actor)
    form = MirrorForm(request.POST or None, namespaces=namespaces_of(user), initial={"namespace": user.username})
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        namespace = access.namespace_to_create_in(actor, asked["namespace"])
        upstream = Upstream(
            source=SOURCE, endpoint=asked["endpoint"], name=asked["upstream"].strip().strip("/"),
            revision=asked["revision"], kind=asked["kind"], token=asked["token"],
        )  # fmt: skip
        name = asked["name"] or upstream.name.rpartition("/")[2]
        try:
            job = actions.add_mirror(
                upstream=upstream, namespace=namespace, name=name, visibility=asked["visibility"], actor=user
            )
        except UpstreamNotAllowed as error:
            form.add_error("endpoint", error.message)
        except (BadInput, InvalidName, NameTaken) as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("The first sync is queued."))
            return redirect(f"/mirrors/{job.mirror_id}")
    shown = {"form": form, "hosts": settings.MIRROR_ALLOWED_HOSTS}
    return render(request, "mirrors/new.html", shown, status=422 if form.errors else 200)


def _frame(request: HttpRequest, mirror_id: int) -> dict[str, Any]:
    user = actors.actor_of(request).user
    found = mirror_list.mirror_to_read(user, mirror_id)
    jobs = mirror_list.jobs_of(found)
    job = jobs[0] if jobs else None
    is_active = job is not None and job.state in SyncRun.ACTIVE
    return {
        "mirror": found,
        "repo": found.repo,
        "job": job,
        "files": job.plan[:FILES_SHOWN] if job else [],
        "more_files": max(0, len(job.plan) - FILES_SHOWN) if job else 0,
        "is_active": is_active,
        "jobs": jobs,
        "syncs": user is not None and _may_sync(user, found),
        "etag": etag_of(job and (job.pk, job.state, job.plan, job.bytes_done, job.files_done, job.reason, job.attempt)),
    }


def _may_sync(user: User, found: Mirror) -> bool:
    return access.can_write_to(user, found.repo)
