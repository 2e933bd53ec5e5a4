"""`manage.py rescore`: apply newer versions of metrics to stored answers."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation.actions import rescoring
from evaluation.metrics.registry import FIGURES
from evaluation.queries.outdated import runs_to_rescore


class Command(BaseCommand):
    help = "Re-score the runs whose metrics have newer versions; workers do it. Old scores stay, marked superseded."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--metric", default="", help="only runs that this metric concerns")
        parser.add_argument("--now", action="store_true", help="do it in this process instead of by workers")

    def handle(self, *args: Any, metric: str, now: bool, **options: Any) -> None:
        if metric and metric not in FIGURES:
            raise CommandError(f"There is no metric named {metric!r}. There are: {', '.join(sorted(FIGURES))}.")
        if not now:
            self.stdout.write(f"{rescoring.queue_rescoring(metric)} runs are handed to the workers.")
            return
        found = list(runs_to_rescore(metric))
        fresh = sum(rescoring.rescore_run(run_id) for run_id in found)
        self.stdout.write(f"{fresh} of {len(found)} runs have a new record.")
