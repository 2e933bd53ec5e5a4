"""Run everything: database, broker, web, worker, Beat and an evaluation node."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from marketplace.embedded.problems import CannotStart
from marketplace.up import arguments
from marketplace.up.site import Site


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        arguments.add_to(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        site = Site(port=options["port"], bind=options["bind"], with_demo=not options["no_demo"])
        try:
            site.run()
        except CannotStart as problem:
            raise SystemExit(str(problem)) from None
