"""What happened to a repo, for those who asked to be told."""

from __future__ import annotations

from django.db import transaction

from catalog import jobs
from catalog.models import Repo, RepoEvent, User, Webhook, WebhookDelivery


@transaction.atomic
def emit(*, repo: Repo, event: str, actor: User | None = None, **details: object) -> RepoEvent:
    """Record that something happened; call it in the transaction in which it happens.

    The rows are the outbox: they commit or vanish with the change, and the sweep sends what got lost.

    Args:
        event: scope and action, such as `repo.content.update`, `repo.create`, `discussion.comment.create`.
        details: JSON values. Known to webhooks (payload v3): `updated_refs` [{"ref", "old", "new"}] with 40 hex
            digits or None; `discussion` {"num", …} and `comment` {"id", …} as `discussions` describes them;
            `moved_to` {"name", "owner_id"}; `updated_config` {"private": bool}.

    Raises:
        ValueError: no such event; a fault of the caller.
    """
    scope, _, action = event.rpartition(".")
    if scope not in RepoEvent.Scope.values or action not in RepoEvent.Action.values:
        raise ValueError(f"no such event: {event}")
    happened = RepoEvent.objects.create(repo=repo, actor=actor, scope=scope, action=action, details=details)
    told = [WebhookDelivery(webhook=hook, event=happened) for hook in Webhook.objects.told_of(happened)]
    for delivery in WebhookDelivery.objects.bulk_create(told) if told else ():
        jobs.deliver_webhook(delivery)
    return happened
