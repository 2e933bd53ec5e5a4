from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from catalog.actions import accounts
from catalog.management.base import CatalogCommand, absolute


class Command(CatalogCommand):
    help = "Creates a person and prints the link, good for one day, where they set their password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--admin", action="store_true", help="administers the whole site")
        parser.add_argument("--full-name", default="")
        parser.add_argument("--email", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        user = accounts.create_user(
            name=options["name"],
            full_name=options["full_name"],
            email=options["email"],
            is_admin=options["admin"],
        )
        self.stdout.write(absolute(accounts.password_link(user)))
