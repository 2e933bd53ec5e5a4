from __future__ import annotations

from django.core.management.base import CommandParser

from catalog.actions.people import accounts
from catalog.management.base import CatalogCommand, absolute


class Command(CatalogCommand):
    help = "Creates a person and prints the link, good for one day, where they set their password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--admin", action="store_true", help="administers the whole site")
        parser.add_argument("--full-name", default="")
        parser.add_argument("--email", default="")

    def handle(self, *args: object, name: str, admin: bool, full_name: str, email: str, **options: object) -> None:
        user = accounts.create_user(name=name, full_name=full_name, email=email, is_admin=admin)
        self.stdout.write(absolute(accounts.password_link(user)))
