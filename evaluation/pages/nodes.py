"""For those who run the site: its nodes, what waits for them, and what fails."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog import actors
from evaluation import access
from evaluation.actions import nodes as actions
from evaluation.pages.errors import page
from evaluation.queries import fleet
from evaluation.queries.drift import node_named


@page
def nodes(request: HttpRequest) -> HttpResponse:
    access.operator(actors.actor_of(request))
    shown = {"section": "runs", "nodes": fleet.nodes(), "queues": fleet.queues(), "failures": fleet.failures()}
    return render(request, "evaluation/nodes.html", shown)


@page
@require_POST
def drain(request: HttpRequest, name: str) -> HttpResponseBase:
    """Let a node finish what it has and claim nothing; with `undo`, let it claim again."""
    actor = actors.actor_of(request)
    access.operator(actor)
    node = node_named(name)
    if request.POST.get("undo"):
        actions.undrain(node=node, actor=actors.writer(actor))
        messages.success(request, _("%(name)s claims runs again.") % {"name": node.name})
    else:
        actions.drain(node=node, actor=actors.writer(actor))
        messages.success(request, _("%(name)s finishes what it has and claims nothing more.") % {"name": node.name})
    return redirect("/ops/nodes")
