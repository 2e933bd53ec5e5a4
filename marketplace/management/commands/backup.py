from __future__ import annotations

import shutil
import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from catalog.actions.upkeep import backup
from catalog.management.base import CatalogCommand
from marketplace.embedded import tools
from marketplace.embedded.problems import CannotStart

SECRETS = ("secret_key", "token_pepper", "signing_key")


class Command(CatalogCommand):
    help = (
        "Copies the whole site into a folder: database, contents, generated secrets. Again into the same: what is new."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: object, folder: Path, **options: object) -> None:
        try:
            with tools.database_running():
                done = backup.back_up(folder, dump=tools.dump)
        except CannotStart as problem:
            raise CommandError(str(problem)) from problem
        _keep_secrets(folder)
        self.stdout.write(f"{done.blobs} contents, {done.bytes} bytes; {done.copied} were new")
        for sha256 in done.missing:
            self.stderr.write(f"{sha256} is missing or damaged here and not in the backup")
        if done.missing:
            sys.exit(1)


def _keep_secrets(folder: Path) -> None:
    """Those that the site generated: tokens and signatures are worth nothing without them."""
    if not settings.IS_EMBEDDED:
        return  # they come from the environment, and belong where that is kept
    kept = folder / "secrets"
    kept.mkdir(mode=0o700, exist_ok=True)
    for name in SECRETS:
        if (settings.DATA_DIR / "secrets" / name).exists():
            shutil.copy2(settings.DATA_DIR / "secrets" / name, kept / name)
