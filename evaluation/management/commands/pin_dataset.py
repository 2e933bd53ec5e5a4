"""`manage.py pin_dataset BENCHMARK [SHA]`: says which commit of its data a definition of the library means."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from evaluation.actions import pinning
from evaluation.errors import BadDefinition


class Command(BaseCommand):
    help = "Pin the data of a benchmark whose definition came without a revision."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("benchmark", help="its id, such as coco-detection")
        parser.add_argument(
            "revision", nargs="?", default="", help="40 hex digits; default: the commit that a mirror of it holds"
        )

    def handle(self, *args: object, benchmark: str, revision: str, **options: object) -> None:
        try:
            pinned = pinning.pin_dataset(slug=benchmark, revision=revision)
        except BadDefinition as problem:
            raise CommandError(problem.message) from problem
        dataset = pinned.definition["dataset"]
        self.stdout.write(f"{pinned} reads {dataset['repo']}@{dataset['revision']}")
