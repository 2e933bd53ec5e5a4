"""`manage.py sentinel add|remove|list|check`: the models every node measures again and again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.errors import CatalogError
from catalog.models import Repo
from evaluation.actions import sentinels
from evaluation.models import Sentinel
from evaluation.queries import drift
from evaluation.queries.benchmarks import benchmark_named


class Command(BaseCommand):
    help = "Pin models as sentinels, or have every living node measure them now."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        add = commands.add_parser("add")
        add.add_argument("model", help="namespace/name")
        add.add_argument("benchmark")
        add.add_argument("--revision", default="", help="default: the head of the default branch, now")
        remove = commands.add_parser("remove")
        remove.add_argument("id", type=int)
        commands.add_parser("list")
        commands.add_parser("check", help="do not wait for the schedule")

    def handle(self, *args: Any, command: str, **options: Any) -> None:
        try:
            getattr(self, f"_{command}")(options)
        except CatalogError as problem:
            raise CommandError(problem.message) from problem

    def _add(self, options: dict[str, Any]) -> None:
        owner, _slash, name = options["model"].partition("/")
        repo = Repo.objects.live().filter(
            kind=Repo.Kind.MODEL, namespace__key=owner.casefold(), name_key=name.casefold()
        )
        found = repo.select_related("namespace", "facts").first()
        if found is None:
            raise CommandError(f"There is no model {options['model']}.")
        made = sentinels.add_sentinel(
            repo=found, benchmark=benchmark_named(options["benchmark"], None), revision=options["revision"]
        )
        self.stdout.write(f"{made.pk} {made}")

    def _remove(self, options: dict[str, Any]) -> None:
        found = Sentinel.objects.filter(pk=options["id"]).select_related("repo__namespace", "benchmark").first()
        if found is None:
            raise CommandError(f"There is no sentinel {options['id']}.")
        sentinels.remove_sentinel(sentinel=found)
        self.stdout.write("It is measured no more.")

    def _list(self, options: dict[str, Any]) -> None:
        for one in drift.sentinels():
            self.stdout.write(f"{one.pk} {one}")

    def _check(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"{len(sentinels.schedule(now=True))} runs are queued.")
