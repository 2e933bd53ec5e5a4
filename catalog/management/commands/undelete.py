from __future__ import annotations

from django.core.management.base import CommandError, CommandParser

from catalog.actions.upkeep import purge
from catalog.management.base import CatalogCommand
from catalog.models import Repo
from catalog.queries.deleted_repos import restorable


class Command(CatalogCommand):
    help = "Brings a deleted repo back; without a name, lists those that can come back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("repo", nargs="?", help="namespace/name")
        parser.add_argument("--kind", choices=Repo.Kind.values, default=Repo.Kind.MODEL)
        parser.add_argument("--as", dest="new_name", metavar="NAME", help="bring it back under another name")

    def handle(self, *args: object, repo: str | None, kind: str, new_name: str | None, **options: object) -> None:
        if repo is None:
            for found in restorable():
                self.stdout.write(f"{found.kind} {found.full_name} deleted {found.deleted_at:%Y-%m-%d %H:%M} UTC")
            return
        owner, slash, name = repo.partition("/")
        if not slash:
            raise CommandError("name the repo as namespace/name")
        deleted = purge.deleted_repo(kind=kind, owner=owner, name=name)
        restored = purge.undelete(repo=deleted, name=new_name, actor=None)
        self.stdout.write(f"{restored.full_name} is back")
