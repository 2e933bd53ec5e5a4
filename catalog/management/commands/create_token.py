from __future__ import annotations

import secrets

from django.core.management.base import CommandParser

from catalog.actions.people import accounts
from catalog.management.base import CatalogCommand, person_named
from catalog.models import AccessToken


class Command(CatalogCommand):
    help = "Creates an access token for a user and prints it, and nothing else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="of the user")
        parser.add_argument("--role", choices=AccessToken.Role.values, required=True)
        parser.add_argument("--days", type=int, default=90, help="how long it lives (1 to 365)")
        parser.add_argument("--label", help="the token's own name; one is made up without it")

    def handle(self, *args: object, name: str, role: str, days: int, label: str | None, **options: object) -> None:
        label = label or f"console {role} {secrets.token_hex(4)}"
        _token, secret = accounts.create_token(user=person_named(name), name=label, role=role, lifetime_days=days)
        self.stdout.write(secret)
