"""`manage.py sync_benchmarks`: rows for the benchmarks of the program, run after `migrate` at each start."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from evaluation.actions import benchmarks
from evaluation.errors import BadDefinition


class Command(BaseCommand):
    help = "Bring the benchmark rows up to the definitions that come with the program."

    def handle(self, *args: object, **options: object) -> None:
        try:
            known = [*benchmarks.sync_builtin(), *benchmarks.sync_library()]
        except BadDefinition as problem:
            raise CommandError(problem.message) from problem
        self.stdout.write(", ".join(str(benchmark) for benchmark in known))
