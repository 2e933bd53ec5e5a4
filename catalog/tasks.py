"""Entry points of the worker. Each finds its work in the database and calls one action."""

from __future__ import annotations

import logging
import threading

from celery import shared_task
from celery.signals import worker_shutting_down
from django.conf import settings

from catalog import jobs
from catalog.actions import audit, downloads, idempotency, tallies
from catalog.actions.community import attachments
from catalog.actions.facts import metadata
from catalog.actions.incoming import upload_parts, uploads, xet_extents
from catalog.actions.mirroring import mirror_sync, sync_leases
from catalog.actions.mirroring.mirror_sync import Turn
from catalog.actions.notices import webhook_delivery
from catalog.actions.people import trusted_publishers
from catalog.actions.upkeep import closed_offers, collection, garbage, purge, scrub
from catalog.errors import CollectionRefused, UpkeepBusy
from catalog.models import Repo, RepoFacts

MOST_REPEATED = 500  # lost index jobs sent again per sweep
logger = logging.getLogger(__name__)
_stopping = threading.Event()  # this worker was asked to stop


@shared_task(
    name=jobs.INDEX_REPO,
    acks_late=True,  # a killed worker must not lose the job, so it may run twice
    time_limit=60,  # seconds
)
def index_repo(repo_id: int) -> None:
    repo = Repo.objects.live().select_related("namespace", "facts").filter(pk=repo_id).first()
    if repo is not None:
        metadata.index_repo(repo)


@shared_task(
    name=jobs.SYNC_MIRROR,  # long: acknowledged early, a lease row keeps it (decision 19)
    time_limit=12 * 3_600,  # seconds; a turn ends sooner, but the file at hand is stored whole
)
def sync_mirror(run_id: int) -> None:
    mirror_sync.sync(run_id, turn=Turn(stopping=_stopping))


@worker_shutting_down.connect
def give_up_turns(**_: object) -> None:
    """Syncs hand their lease back at once, instead of losing it a minute and a half later."""
    _stopping.set()


@shared_task(name=jobs.DELIVER_WEBHOOK, time_limit=90)  # seconds; its lease is longer
def deliver_webhook(delivery_id: int) -> None:
    webhook_delivery.deliver(delivery_id)


@shared_task(name="catalog.sweep", time_limit=120)  # seconds
def sweep() -> None:
    """Every 30 seconds: send again what was lost, and end what has run out."""
    for facts in RepoFacts.objects.overdue()[:MOST_REPEATED]:
        jobs.index_repo(facts.repo)
    upload_parts.expire()
    uploads.expire_uploads()
    garbage.expire_uncommitted()
    attachments.forget_unused()
    xet_extents.expire()
    sync_leases.expire()
    mirror_sync.clear_partials()
    tallies.clear()
    audit.seal()
    idempotency.clear()
    trusted_publishers.clear()
    webhook_delivery.send_again()


@shared_task(name="catalog.collect", time_limit=1_800)  # seconds; a lease keeps it alone, the next hour goes on
def collect() -> None:
    """Every hour: one step with all bytes that nobody needs."""
    garbage.clear_leftovers()
    try:
        purge.purge_deleted()
        closed_offers.drop_overdue()
        collection.collect(collection.Graces.configured(), most_seconds=1_200)
    except UpkeepBusy as busy:
        logger.info("collection waits for %s", busy.facts.get("holder", ""))
    except CollectionRefused as refused:
        hint = "look with `manage.py gc`, go on with `--delete --force`"
        logger.error("collection stopped: %s (%s)", refused.message, hint)  # noqa: TRY400  no fault of ours to trace


@shared_task(name="catalog.scrub", time_limit=3_000)  # seconds; a lease keeps it alone, the next hour goes on
def scrub_store() -> None:
    """Every hour: read again what was not read for a month."""
    try:
        scrub.scrub(most_seconds=1_800, bytes_per_second=settings.SCRUB_MB_PER_SECOND * 1e6)
    except UpkeepBusy as busy:
        logger.info("the scrub waits for %s", busy.facts.get("holder", ""))


@shared_task(name="catalog.flush_counters", time_limit=60)  # seconds
def flush_counters() -> None:
    downloads.flush_counters()
