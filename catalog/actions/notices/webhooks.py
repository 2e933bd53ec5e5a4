"""Webhooks of a person: add, change, switch, remove."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from catalog import sealing
from catalog.actions import audit
from catalog.actions.notices.webhook_delivery import addresses
from catalog.errors import BadInput
from catalog.models import Namespace, Repo, User, Webhook, WebhookWatch

MOST_WEBHOOKS: Final = 50  # of one person
MOST_WATCHED: Final = 100
LONGEST_URL: Final = 500
LONGEST_SECRET: Final = 200

Watched = Repo | Namespace


@transaction.atomic
def add_webhook(
    *, actor: User, url: str, watched: Sequence[Watched], domains: Sequence[str], secret: str | None
) -> Webhook:
    """Have an address told of what happens to these repos; the actor has to be able to read them, now and then.

    Raises:
        BadInput: nothing watched, unknown domains, or too many of something.
        UpstreamNotAllowed: no address we may call (security 12).
    """
    if actor.webhooks.count() >= MOST_WEBHOOKS:
        raise BadInput(_("One person may have at most %(most)s webhooks.") % {"most": MOST_WEBHOOKS})
    webhook = Webhook(user=actor)
    _fill(webhook, url=url, domains=domains, secret=secret)
    webhook.save()
    _watch(webhook, watched)
    audit.record(actor, "webhook.add", f"webhook/{webhook.public_id}", url=url)
    return webhook


@transaction.atomic
def change_webhook(
    *,
    webhook: Webhook,
    url: str | None = None,
    watched: Sequence[Watched] = (),
    domains: Sequence[str] | None = None,
    secret: str | None = None,
) -> Webhook:
    """Change what is given; None and nothing leave things as they are. Raises as `add_webhook`."""
    _fill(
        webhook,
        url=webhook.url if url is None else url,
        domains=webhook.domains if domains is None else domains,
        secret=secret,
    )
    webhook.save()
    if watched:
        webhook.watches.all().delete()
        _watch(webhook, watched)
    audit.record(webhook.user, "webhook.change", f"webhook/{webhook.public_id}", url=webhook.url)
    return webhook


@transaction.atomic
def switch_webhook(*, webhook: Webhook, disabled: bool) -> Webhook:
    """Silence a webhook, or let it speak again; what happens in between is not told later."""
    webhook.is_disabled = disabled
    webhook.save(update_fields=["is_disabled"])
    audit.record(webhook.user, "webhook.switch", f"webhook/{webhook.public_id}", disabled=disabled)
    return webhook


@transaction.atomic
def remove_webhook(*, webhook: Webhook) -> None:
    """Forget a webhook and what it still had to tell."""
    audit.record(webhook.user, "webhook.remove", f"webhook/{webhook.public_id}")
    webhook.delete()


def _fill(webhook: Webhook, *, url: str, domains: Sequence[str], secret: str | None) -> None:
    if len(url) > LONGEST_URL:
        raise BadInput(_("The address is too long."))
    addresses().check_url(url)
    if not domains or any(domain not in Webhook.DOMAINS for domain in domains):
        raise BadInput(_("A webhook hears of repo, discussion, or both."))
    if secret is not None and not (len(secret) <= LONGEST_SECRET and secret.isascii() and secret.isprintable()):
        raise BadInput(_("The secret is a line of printable ASCII."))
    webhook.url, webhook.domains = url, sorted(set(domains))
    if secret is not None:
        webhook.secret_sealed = sealing.seal(secret) if secret else None


def _watch(webhook: Webhook, watched: Sequence[Watched]) -> None:
    if not 0 < len(watched) <= MOST_WATCHED:
        raise BadInput(_("A webhook watches between 1 and %(most)s things.") % {"most": MOST_WATCHED})
    WebhookWatch.objects.bulk_create(
        WebhookWatch(webhook=webhook, repo=one)
        if isinstance(one, Repo)
        else WebhookWatch(webhook=webhook, namespace=one)
        for one in watched
    )
