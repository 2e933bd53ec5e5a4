"""`manage.py node`: the process on a machine that evaluates; HTTP only, it never touches the database."""

import logging
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from evaluation.node.main import main
from evaluation.node.sandbox import LEVELS


class Command(BaseCommand):
    help = "Evaluates models for one hub until it is told to stop."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--hub", required=True, help="URL of the hub, such as http://127.0.0.1:8000")
        parser.add_argument("--token", help="the node's token; --token-file keeps it out of the process list")
        parser.add_argument("--token-file", type=Path)
        parser.add_argument(
            "--data-dir", type=Path, help="cache and work space (default: the `node` folder of the data directory)"
        )
        parser.add_argument("--name", default="node")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda:0")
        parser.add_argument(
            "--embedded", action="store_true", help="started by `up`: may work without walls, and says so"
        )
        parser.add_argument("--once", action="store_true", help="do at most one run, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
        logging.getLogger("httpx").setLevel(logging.WARNING)
        minimum = settings.EVAL_MIN_SANDBOX or ("none" if options["embedded"] else "namespaces")
        if minimum not in LEVELS:
            raise CommandError(f"EVAL_MIN_SANDBOX must be one of {', '.join(LEVELS)}, not {minimum!r}.")
        code = main(
            hub=options["hub"],
            token=_token(options["token"], options["token_file"]),
            data_dir=options["data_dir"] or Path(settings.DATA_DIR) / "node",
            sandbox_min=minimum,
            name="embedded" if options["embedded"] else options["name"],
            device=options["device"],
            cache_gb=float(settings.NODE_CACHE_GB),
            once=options["once"],
        )
        sys.exit(code)


def _token(given: str | None, path: Path | None) -> str:
    if given:
        return given
    if path is None:
        raise CommandError("Give --token-file or --token.")
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CommandError(f"The token file {path} cannot be read: {error.strerror}.") from error
