"""Telling webhooks what happened: claim a delivery, send it signed, try again when it did not arrive."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from catalog import jobs, sealing
from catalog.actions.notices import webhook_payload
from catalog.errors import CatalogError, UpstreamUnavailable
from catalog.models import Repo, Webhook, WebhookDelivery
from catalog.upstream.http import UpstreamClient
from catalog.upstream.public import PublicAddresses

LEASE: Final = timedelta(minutes=3)
WAITS: Final = (10, 60, 300, 1800, 7200)  # seconds before the second, third, … attempt
RESEND_AFTER: Final = timedelta(seconds=60)  # a due delivery nobody took: its message was lost
KEPT: Final = timedelta(days=30)
MOST_REPEATED: Final = 500  # per sweep
LONGEST_REASON: Final = 200
MOST_SECONDS: Final = 30.0  # for one attempt in all, within the lease and the time limit of the task


def addresses() -> PublicAddresses:
    """Which addresses webhooks may have."""
    return PublicAddresses.of(settings.WEBHOOK_ALLOWED_HOSTS)


def deliver(delivery_id: int) -> None:
    """Send one delivery, unless it is over, taken or not due; harmless when run twice."""
    delivery = _claim(delivery_id)
    if delivery is None:
        return
    repo = Repo.objects.open_to(delivery.webhook.user).select_related("namespace").filter(pk=delivery.event.repo_id)
    visible = repo.first()
    hook = delivery.webhook
    if visible is None or hook.is_disabled or not hook.user.is_active:  # asked now: rights may have gone since
        _finish(delivery, WebhookDelivery.State.WITHHELD, "its owner may not read the repo, or switched it off")
        return
    body = json.dumps(webhook_payload.of(delivery.webhook, delivery.event, visible)).encode()
    try:
        status = _send(delivery.webhook, body)
    except CatalogError as problem:
        answered = problem.facts.get("status")
        delivery.status = answered if isinstance(answered, int) else None
        _retry(delivery, problem, may_help=isinstance(problem, UpstreamUnavailable))
    else:
        delivery.status = status
        _finish(delivery, WebhookDelivery.State.DELIVERED, "")


def send_again() -> int:
    """Repeat lost messages and deliveries whose time has come; forget old ones. Returns how many were sent."""
    now = timezone.now()
    WebhookDelivery.objects.filter(finished_at__lt=now - KEPT).delete()
    due = WebhookDelivery.objects.filter(
        Q(state=WebhookDelivery.State.QUEUED, attempt__gt=0, not_before__lte=now)
        | Q(state=WebhookDelivery.State.QUEUED, not_before__lte=now - RESEND_AFTER)
        | Q(state=WebhookDelivery.State.RUNNING, lease_until__lt=now)
    ).order_by("not_before")[:MOST_REPEATED]
    for delivery in due:
        jobs.deliver_webhook(delivery)
    return len(due)


def signature(secret: str, moment: int, body: bytes) -> str:
    """Returns the HMAC-SHA256 over `<unix seconds>.<body>` in hex: a receiver refuses old moments (no replays)."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


def _claim(delivery_id: int) -> WebhookDelivery | None:
    now = timezone.now()
    due = Q(state=WebhookDelivery.State.QUEUED, not_before__lte=now)
    lost = Q(state=WebhookDelivery.State.RUNNING, lease_until__lt=now)
    claimed = WebhookDelivery.objects.filter(due | lost, pk=delivery_id).update(
        state=WebhookDelivery.State.RUNNING, fence=F("fence") + 1, attempt=F("attempt") + 1, lease_until=now + LEASE
    )
    if not claimed:
        return None
    return WebhookDelivery.objects.select_related("webhook__user", "event__repo").get(pk=delivery_id)


def _send(webhook: Webhook, body: bytes) -> int:
    """Returns the status answered; the answer's body is read by nobody."""
    headers = {"content-type": "application/json"}
    secret = sealing.unseal(webhook.secret_sealed) if webhook.secret_sealed else None
    if secret:
        moment = int(time.time())
        headers["x-webhook-secret"] = secret  # what receivers written for the Hub compare
        headers["x-webhook-timestamp"] = str(moment)
        headers["x-webhook-signature"] = f"sha256={signature(secret, moment, body)}"
    client = UpstreamClient(
        allowed=addresses(),
        agent="model-marketplace-webhook",
        is_hub=False,
        max_redirects=0,  # what is signed for one address is no other's
        extra_ca=settings.EXTRA_CA_FILE,
        most_seconds=MOST_SECONDS,
    )
    try:
        with client.open(webhook.url, method="POST", content=body, headers=headers) as answer:
            return answer.status_code
    finally:
        client.close()


def _retry(delivery: WebhookDelivery, problem: CatalogError, *, may_help: bool) -> None:
    reason = problem.message[:LONGEST_REASON]
    if not may_help or delivery.attempt > len(WAITS):
        _finish(delivery, WebhookDelivery.State.FAILED, reason)
        return
    wait = timedelta(seconds=WAITS[delivery.attempt - 1])
    _write(delivery, state=WebhookDelivery.State.QUEUED, not_before=timezone.now() + wait, reason=reason)


def _finish(delivery: WebhookDelivery, state: str, reason: str) -> None:
    _write(delivery, state=state, reason=reason, finished_at=timezone.now())


def _write(delivery: WebhookDelivery, **columns: object) -> None:
    """Writes only while the lease is ours: who was thought dead and comes back changes nothing."""
    WebhookDelivery.objects.filter(pk=delivery.pk, fence=delivery.fence).update(
        lease_until=None, status=delivery.status, **columns
    )
