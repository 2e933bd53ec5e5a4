from __future__ import annotations

import json
from dataclasses import asdict

from django.core.management.base import CommandParser

from catalog.actions import audit
from catalog.actions.upkeep import collection, garbage
from catalog.actions.upkeep.collection import Graces
from catalog.management.base import CatalogCommand


class Command(CatalogCommand):
    help = "Says what collection would do now (one JSON object); with --delete, does it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--delete", action="store_true", help="take the steps that are due instead of counting them"
        )
        parser.add_argument("--dry-run", action="store_true", help="count only; the default, said aloud")
        parser.add_argument("--force", action="store_true", help="delete even more than a tenth of all bytes or blobs")

    def handle(self, *args: object, delete: bool, dry_run: bool, force: bool, **options: object) -> None:
        graces = Graces.configured()
        if not delete or dry_run:
            self.stdout.write(json.dumps({"dry_run": True, **asdict(collection.forecast(graces))}))
            return
        garbage.expire_uncommitted()
        leftovers = garbage.clear_leftovers()
        done = collection.collect(graces, force=force)
        audit.record(None, "store.collect", "store", force=force, **asdict(done))
        self.stdout.write(json.dumps({"dry_run": False, **asdict(done), "leftovers": leftovers}))
