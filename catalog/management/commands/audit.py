from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict

from django.core.management.base import CommandError, CommandParser

from catalog.actions import audit
from catalog.management.base import CatalogCommand
from catalog.models import AuditSeal


class Command(CatalogCommand):
    help = (
        "Checks the chain of the audit record: one JSON line per problem, then its head. Exits 1 when there are any. "
        "A head kept elsewhere (--since) shows besides that nothing was cut off at the end."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", default="", metavar="NUMBER:DIGEST", help="a head this command printed before")

    def handle(self, *args: object, since: str, **options: object) -> None:
        count = 0
        for problem in audit.problems(known=_known(since)):
            count += 1
            self.stdout.write(json.dumps(asdict(problem)))
        self.stdout.write(json.dumps({"head": str(audit.head()), "problems": count}))
        if count:
            sys.exit(1)


def _known(text: str) -> AuditSeal | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text)
    if found is None:
        raise CommandError("--since must look like NUMBER:DIGEST")
    return AuditSeal(number=int(found[1]), digest=found[2])
