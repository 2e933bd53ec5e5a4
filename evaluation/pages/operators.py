"""For those who run the site: what the sentinels say of its nodes."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import actors
from evaluation import access
from evaluation.actions import sentinels
from evaluation.pages.errors import page
from evaluation.queries import drift


@page
def drift_page(request: HttpRequest) -> HttpResponse:
    access.operator(actors.actor_of(request))
    shown = {"section": "runs", "nodes": drift.drift_of_nodes(), "sentinels": drift.sentinels()}
    return render(request, "evaluation/drift.html", shown)


@page
@require_POST
def resume(request: HttpRequest, name: str) -> HttpResponseBase:
    actor = actors.actor_of(request)
    access.operator(actor)
    node = drift.node_named(name)
    sentinels.resume(node=node, actor=actors.writer(actor), accept=bool(request.POST.get("accept")))
    messages.success(request, _("What %(name)s measures is published again.") % {"name": node.name})
    return redirect("/ops/drift")
