from __future__ import annotations

from django.core.management.base import CommandParser

from catalog.actions.people import accounts
from catalog.management.base import CatalogCommand, person_named


class Command(CatalogCommand):
    help = "Shuts a person out at once: sessions, tokens, signed addresses and webhooks. --lift lets them in again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--lift", action="store_true")

    def handle(self, *args: object, name: str, lift: bool, **options: object) -> None:
        user = person_named(name)
        (accounts.unblock if lift else accounts.block)(user=user, actor=None)
        self.stdout.write(f"{user} is {'let in again' if lift else 'blocked'}")
