from __future__ import annotations

from django.core.management.base import CommandError, CommandParser

from catalog.actions.upkeep import purge
from catalog.management.base import CatalogCommand
from catalog.models import Repo


class Command(CatalogCommand):
    help = "Brings a deleted repo back; without a name, lists those that can come back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("repo", nargs="?", help="namespace/name")
        parser.add_argument("--kind", choices=Repo.Kind.values, default=Repo.Kind.MODEL)

    def handle(self, *args: object, repo: str | None, kind: str, **options: object) -> None:
        if repo is None:
            for found in purge.deleted_repos():
                self.stdout.write(f"{found.kind} {found.full_name} deleted {found.deleted_at:%Y-%m-%d %H:%M} UTC")
            return
        owner, slash, name = repo.partition("/")
        if not slash:
            raise CommandError("name the repo as namespace/name")
        purge.undelete(repo=purge.deleted_repo(kind=kind, owner=owner, name=name), actor=None)
        self.stdout.write(f"{repo} is back")
