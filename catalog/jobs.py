"""The one list of what happens later. Actions call these; messages leave after the commit.

A message is only a nudge: each job finds its work in the database, may be lost, late or run
twice, and `catalog.sweep` sends again what was lost.
"""

from __future__ import annotations

from celery import current_app
from django.db import transaction

from catalog.models import Repo, SyncRun, WebhookDelivery

INDEX_REPO = "catalog.index_repo"
SYNC_MIRROR = "catalog.sync_mirror"
DELIVER_WEBHOOK = "catalog.deliver_webhook"
TASK_NAMES = (INDEX_REPO, SYNC_MIRROR, DELIVER_WEBHOOK)
SYNC_EXPIRES_SECONDS = 90  # the sweep nudges again while a run waits, so old nudges may go


def index_repo(repo: Repo) -> None:
    """Render the card and refresh the search document of this repo."""
    after_commit(INDEX_REPO, repo.pk)


def sync_mirror(run: SyncRun) -> None:
    """Work on this sync run."""
    after_commit(SYNC_MIRROR, run.pk, expires_seconds=SYNC_EXPIRES_SECONDS)


def deliver_webhook(delivery: WebhookDelivery) -> None:
    """Tell a webhook's address about one event."""
    after_commit(DELIVER_WEBHOOK, delivery.pk)


def after_commit(name: str, *args: int, expires_seconds: int | None = None) -> None:
    """Nudge a worker when the transaction has committed. Losing the nudge loses nothing: a sweep repeats it."""

    def nudge() -> None:  # not a `partial`: Django names a robust hook that fails by its __qualname__
        current_app.send_task(name, args=args, expires=expires_seconds)

    # robust: losing Redis must not fail a change that is already committed
    transaction.on_commit(nudge, robust=True)
