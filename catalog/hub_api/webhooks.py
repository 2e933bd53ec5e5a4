"""Webhooks: whom to tell what happens to which repos. Each is its owner's alone."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse

from catalog import access, actors, community_access, sealing
from catalog.actions.notices import webhooks
from catalog.actions.notices.webhooks import Watched
from catalog.actors import Actor
from catalog.errors import BadInput, NotServed
from catalog.hub_api import bodies
from catalog.hub_api.bodies import Json
from catalog.models import Namespace, Repo, Webhook, WebhookWatch


def listed(request: HttpRequest, actor: Actor) -> JsonResponse:
    user = actors.in_full(actor)
    return JsonResponse([_webhook(one) for one in user.webhooks.order_by("-pk")], safe=False)


def create(request: HttpRequest, actor: Actor) -> JsonResponse:
    user = actors.personally(actor)
    body = bodies.json_body(request)
    if "jobSourceId" in body:
        raise NotServed("this server runs no jobs; give the webhook a 'url'")
    made = webhooks.add_webhook(
        actor=user,
        url=bodies.text_field(body, "url"),
        watched=_watched(actor, body),
        domains=_domains(body) or Webhook.DOMAINS,
        secret=bodies.optional_text(body, "secret"),
    )
    return JsonResponse({"webhook": _webhook(made)})


def one(request: HttpRequest, actor: Actor, *, webhook_id: str) -> JsonResponse:
    return JsonResponse({"webhook": _webhook(community_access.webhook_of(actors.in_full(actor), webhook_id))})


def change(request: HttpRequest, actor: Actor, *, webhook_id: str) -> JsonResponse:
    webhook = community_access.webhook_of(actors.personally(actor), webhook_id)
    body = bodies.json_body(request)
    changed = webhooks.change_webhook(
        webhook=webhook,
        url=bodies.optional_text(body, "url"),
        watched=_watched(actor, body),
        domains=_domains(body),
        secret=bodies.optional_text(body, "secret"),
    )
    return JsonResponse({"webhook": _webhook(changed)})


def remove(request: HttpRequest, actor: Actor, *, webhook_id: str) -> JsonResponse:
    webhooks.remove_webhook(webhook=community_access.webhook_of(actors.personally(actor), webhook_id))
    return JsonResponse({})


def enable(request: HttpRequest, actor: Actor, *, webhook_id: str) -> JsonResponse:
    webhook = community_access.webhook_of(actors.personally(actor), webhook_id)
    return JsonResponse({"webhook": _webhook(webhooks.switch_webhook(webhook=webhook, disabled=False))})


def disable(request: HttpRequest, actor: Actor, *, webhook_id: str) -> JsonResponse:
    webhook = community_access.webhook_of(actors.personally(actor), webhook_id)
    return JsonResponse({"webhook": _webhook(webhooks.switch_webhook(webhook=webhook, disabled=True))})


def _webhook(webhook: Webhook) -> dict[str, Any]:
    seen = WebhookWatch.objects.visible_to(webhook.user).filter(webhook=webhook)
    watches = seen.select_related("repo__namespace", "namespace__organisation").order_by("pk")
    return {
        "id": webhook.public_id,
        "url": webhook.url,
        "watched": [_watch(one) for one in watches],
        "domains": webhook.domains,
        "secret": sealing.unseal(webhook.secret_sealed) if webhook.secret_sealed else None,
        "disabled": webhook.is_disabled,
        "job": None,
    }


def _watch(watch: WebhookWatch) -> dict[str, str]:
    if watch.repo is not None:
        return {"type": watch.repo.kind, "name": watch.repo.full_name}
    assert watch.namespace is not None  # the database keeps it so
    return {"type": "org" if watch.namespace.is_organisation else "user", "name": watch.namespace.name}


def _watched(actor: Actor, body: Json) -> list[Watched]:
    if body.get("watched") is None:
        return []
    items = bodies.list_field(body, "watched", most=webhooks.MOST_WATCHED)
    return [_target(actor, item) for item in items]


def _target(actor: Actor, item: Any) -> Watched:  # noqa: ANN401  a JSON value
    if not isinstance(item, dict):
        raise BadInput("every watched item needs 'type' and 'name'")
    kind, name = bodies.text_field(item, "type"), bodies.text_field(item, "name")
    if kind in Repo.Kind.values:
        owner, _, rest = name.partition("/")
        return access.repo_to_read(actor, kind, owner, rest, follow=True)
    if kind not in ("user", "org"):
        raise BadInput("'type' must be model, dataset, space, user or org")
    namespace: Namespace = access.namespace_named(name)
    return namespace


def _domains(body: Json) -> list[str] | None:
    value = body.get("domains")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(domain, str) for domain in value):
        raise BadInput("'domains' must be a list of strings")
    return value
