"""What the trusted worker does. Scoring acknowledges early and holds a lease (security 13)."""

from __future__ import annotations

from celery import shared_task

from evaluation.actions import (
    automatic,
    inputs,
    integrity,
    recovery,
    reevaluation,
    rescoring,
    scoring,
    sentinels,
    staleness,
)


@shared_task(name="evaluation.score_run", time_limit=270)  # seconds, below the lease
def score_run(run_id: int) -> None:
    scoring.score_run(run_id)


@shared_task(name="evaluation.rescore_run", time_limit=270, acks_late=True)  # seconds; twice does no harm
def rescore_run(run_id: int) -> None:
    rescoring.rescore_run(run_id)


@shared_task(name="evaluation.check_records", time_limit=600)  # seconds
def check_records() -> None:
    """Every hour: the records and outputs that were not looked at for longest."""
    integrity.check_some()


@shared_task(name="evaluation.sweep", time_limit=120)  # seconds
def sweep() -> None:
    """Every 15 seconds: take back lost runs, repeat lost nudges, queue what uploads deserve."""
    recovery.expire_leases()
    recovery.cancel_runs_of_deleted_models()
    automatic.schedule_automatic()
    inputs.sweep()
    staleness.note_heads()
    sentinels.schedule()
    reevaluation.schedule()
