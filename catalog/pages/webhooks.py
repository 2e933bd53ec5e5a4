"""One's own webhooks: the list, the form that adds one, and what was delivered lately."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog import access, actors, community_access
from catalog.actions.notices import webhooks
from catalog.actions.notices.webhooks import Watched
from catalog.errors import BadInput, CatalogError, NotFound, UpstreamNotAllowed
from catalog.models import Repo, Webhook, WebhookDelivery, WebhookWatch
from catalog.pages.errors import page

DELIVERIES_SHOWN = 30
DOMAINS = {
    "repo": gettext_lazy("Repos: made, moved, deleted, new commits, other settings"),
    "discussion": gettext_lazy("Discussions and pull requests: opened, commented on, closed, merged"),
}


@page
def webhook_list(request: HttpRequest) -> HttpResponseBase:
    actor = actors.actor_of(request)
    user = actors.in_full(actor)
    problem, heard = "", request.POST.getlist("domains")
    if request.method == "POST":
        try:
            webhooks.add_webhook(
                actor=actors.personally(actor),
                url=request.POST.get("url", "").strip(),
                watched=[_target(actor, request.POST.get("watched", "").strip())],
                domains=heard,
                secret=request.POST.get("secret") or None,
            )
        except (BadInput, NotFound, UpstreamNotAllowed) as error:
            problem = _words(error)
        else:
            messages.success(request, _("Added."))
            return redirect("/settings/webhooks")
    readable = Repo.objects.open_to(user)
    deliveries = WebhookDelivery.objects.filter(webhook__user=user, event__repo__in=readable)
    watches = WebhookWatch.objects.visible_to(user).select_related("repo__namespace", "namespace")
    shown = {
        "tab": "webhooks",
        "rows": user.webhooks.prefetch_related(Prefetch("watches", queryset=watches)).order_by("-pk"),
        "deliveries": deliveries.select_related("webhook", "event").order_by("-pk")[:DELIVERIES_SHOWN],
        "domains": [(name, DOMAINS[name], not problem or name in heard) for name in Webhook.DOMAINS],
        "problem": problem,
        "asked": request.POST,
    }
    return render(request, "settings/webhooks.html", shown, status=422 if problem else 200)


@page
@require_POST
def change(request: HttpRequest, webhook_id: str) -> HttpResponseBase:
    user = actors.personally(actors.actor_of(request))
    webhook = community_access.webhook_of(user, webhook_id)
    if request.POST.get("do") == "remove":
        webhooks.remove_webhook(webhook=webhook)
    else:
        webhooks.switch_webhook(webhook=webhook, disabled=not webhook.is_disabled)
    messages.success(request, _("Saved."))
    return redirect("/settings/webhooks")


def _target(actor: actors.Actor, text: str) -> Watched:
    """`ns/model`, `datasets/ns/name`, `spaces/ns/name`, or the name of a person or team."""
    first, _slash, rest = text.partition("/")
    kinds = {"datasets": Repo.Kind.DATASET, "spaces": Repo.Kind.SPACE, "models": Repo.Kind.MODEL}
    if first in kinds:
        owner, _slash, name = rest.partition("/")
        return access.repo_to_read(actor, kinds[first], owner, name, follow=True)
    if rest:
        return access.repo_to_read(actor, Repo.Kind.MODEL, first, rest, follow=True)
    return access.namespace_named(first)


def _words(error: CatalogError) -> str:
    return _("There is nothing of this name.") if isinstance(error, NotFound) else error.message
