from __future__ import annotations

import json
import sys

from django.core.management.base import CommandParser

from catalog.management.base import CatalogCommand
from catalog.queries import integrity


class Command(CatalogCommand):
    help = "Checks refs, commits, trees, entitlements and files. One JSON object a problem; exit 1 if there is any."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", action="store_true", help="also read and hash every stored byte")

    def handle(self, *args: object, data: bool, **options: object) -> None:
        found = 0
        for problem in integrity.problems(with_data=data):
            found += 1
            self.stdout.write(json.dumps(problem.as_fields(), ensure_ascii=False))
        if found:
            sys.exit(1)
