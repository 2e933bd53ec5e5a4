from __future__ import annotations

from django.core.management.base import CommandParser

from catalog.actions.people import accounts
from catalog.management.base import CatalogCommand, person_named
from catalog.models import Organisation


class Command(CatalogCommand):
    help = "Creates a team with its first administrator."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--admin", required=True, metavar="USER")
        parser.add_argument("--full-name", default="")
        parser.add_argument(
            "--default-visibility",
            choices=Organisation.Visibility.values,
            default=Organisation.Visibility.PUBLIC,
            help="of repos that are created without saying which",
        )

    def handle(
        self, *args: object, name: str, admin: str, full_name: str, default_visibility: str, **options: object
    ) -> None:
        organisation = accounts.create_organisation(
            name=name, admin=person_named(admin), full_name=full_name, default_visibility=default_visibility
        )
        self.stdout.write(f"created {organisation}")
