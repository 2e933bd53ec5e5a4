from __future__ import annotations

from django.core.management.base import CommandParser

from catalog.actions.people import second_factor
from catalog.management.base import CatalogCommand, person_named


class Command(CatalogCommand):
    help = "Takes away the second factor of somebody who lost it; make sure that it is them who ask."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: object, name: str, **options: object) -> None:
        user = person_named(name)
        second_factor.reset(user=user, actor=None)
        self.stdout.write(f"{user} signs in with the password alone now.")
