"""Gated repos as pages: asking for the files, and the owner's list of who asked."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog import access, actors
from catalog.actions import repos
from catalog.actions.community import gating
from catalog.errors import BadInput, NotFound
from catalog.models import AccessRequest, Repo
from catalog.pages.errors import page
from catalog.pages.frame import frame, readable
from catalog.pages.gate_form import gate_of

GATES: Final = {
    Repo.Gate.OPEN: gettext_lazy("Open – everybody may download them"),
    Repo.Gate.AUTO: gettext_lazy("Granted at once – whoever is signed in and asks gets them; you see who"),
    Repo.Gate.MANUAL: gettext_lazy("Granted by hand – you answer each request"),
}
MOST_SHOWN: Final = 200  # requests per list; the API pages through all


@page
def ask(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponseBase:
    """What stands between a reader and the files, and the button that asks for them."""
    repo = readable(request, kind, owner, name)
    actor = actors.actor_of(request)
    gate = gate_of(repo, request.POST if request.method == "POST" else None)
    if request.method == "POST" and gate.form.is_valid():
        asked = gating.ask_access(repo=repo, actor=actors.personally(actor), fields=gate.form.answers())
        told = {
            AccessRequest.State.ACCEPTED: _("You have access now."),
            AccessRequest.State.PENDING: _("Your request is with the owner."),
            AccessRequest.State.REJECTED: _("The owner has said no before."),
        }
        messages.info(request, told[AccessRequest.State(asked.state)])
        return redirect(f"{repo.web_path}/access")
    if access.has_files(actor, repo):
        return redirect(repo.web_path)
    own = repo.access_requests.filter(user=actor.user).first() if actor.user else None
    shown = frame(request, repo, "files", own=own, gate=gate, hides_gate=True)
    return render(request, "catalog/access.html", shown, status=422 if gate.form.errors else 200)


@page
def requests(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponseBase:
    """Who asked, and whether files have to be asked for at all."""
    actor = actors.actor_of(request)
    repo = access.repo_to_administer(actor, kind, owner, name)
    if request.method == "POST":
        try:
            _change(request, repo)
            messages.success(request, _("Saved."))
        except BadInput as problem:
            messages.error(request, problem.message)
        return redirect(f"{repo.web_path}/settings/access")
    rows = repo.access_requests.select_related("user").order_by("-pk")
    lists = [(state, label, rows.filter(state=state)[:MOST_SHOWN]) for state, label in AccessRequest.State.choices]
    shown = frame(request, repo, "settings", lists=lists, gates=GATES.items())
    return render(request, "catalog/access_requests.html", shown)


def _change(request: HttpRequest, repo: Repo) -> None:
    user = actors.writer(actors.actor_of(request))
    if "gate" in request.POST:
        repos.change_settings(repo=repo, gate=request.POST["gate"], actor=user)
        return
    asked = repo.access_requests.select_related("user", "repo__namespace").filter(
        public_id=request.POST.get("request", "")
    )
    found = asked.first()
    if found is None:
        raise NotFound
    reason = request.POST.get("reason", "").strip()
    gating.decide(request=found, state=request.POST.get("state", ""), actor=user, reason=reason)
