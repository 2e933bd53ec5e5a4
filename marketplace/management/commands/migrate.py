"""Django's migrate, one at a time: starting twice at once must not migrate twice at once."""

from typing import Any

from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connections

ADVISORY_LOCK = 0x6D6D_6D69_6772_6174  # "mmmigrat"


class Command(MigrateCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
        try:
            super().handle(*args, **options)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
