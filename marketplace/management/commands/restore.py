from __future__ import annotations

import shutil
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connection

from catalog.actions.upkeep import backup
from catalog.management.base import CatalogCommand
from marketplace.embedded import tools
from marketplace.embedded.problems import CannotStart


class Command(CatalogCommand):
    help = "Puts a backup into this empty site, then checks all of it (fsck --data). Exit 0 when it is clean."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: object, folder: Path, **options: object) -> None:
        try:
            with tools.database_running():
                self._restore(folder)
        except CannotStart as problem:
            raise CommandError(str(problem)) from problem

    def _restore(self, folder: Path) -> None:
        if "catalog_repo" not in connection.introspection.table_names():
            call_command("migrate", verbosity=0)
        backup.check(folder)
        done = backup.restore_blobs(folder)
        if done.missing:
            raise CommandError(f"{len(done.missing)} contents of the backup are damaged, first {done.missing[0]}")
        tools.load(folder / backup.DUMP)
        call_command("migrate", verbosity=0)  # the backup may be of an older version
        _take_secrets(folder)
        self.stdout.write(f"{done.blobs} contents, {done.bytes} bytes; checking all of them …")
        call_command("fsck", "--data", stdout=self.stdout)
        self.stdout.write("the site is whole")


def _take_secrets(folder: Path) -> None:
    if settings.IS_EMBEDDED and (folder / "secrets").is_dir():
        for kept in (folder / "secrets").iterdir():
            shutil.copy2(kept, settings.DATA_DIR / "secrets" / kept.name)
