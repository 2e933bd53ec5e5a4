from __future__ import annotations

import json
import sys
from dataclasses import asdict

from django.conf import settings
from django.core.management.base import CommandParser

from catalog.actions.upkeep import scrub
from catalog.management.base import CatalogCommand


class Command(CatalogCommand):
    help = "Reads stored bytes again, marks and repairs what is damaged. Exit 1 if anything could not be repaired."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all", action="store_true", dest="everything", help="also what was read in the last SCRUB_DAYS days"
        )
        parser.add_argument("--seconds", type=float, help="stop after so long")
        parser.add_argument(
            "--mb-per-second", type=float, default=settings.SCRUB_MB_PER_SECOND, help="0 is as fast as the store"
        )

    def handle(
        self,
        *args: object,
        everything: bool,
        seconds: float | None,
        mb_per_second: float,
        **options: object,
    ) -> None:
        rate = mb_per_second * 1e6 or None
        done = scrub.scrub(everything=everything, most_seconds=seconds, bytes_per_second=rate)
        self.stdout.write(json.dumps(asdict(done)))
        if done.repaired < done.damaged:
            sys.exit(1)
