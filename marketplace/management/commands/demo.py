"""`demo seed --url URL` fills a running site with examples, `demo remove` takes them away."""

from __future__ import annotations

import logging
import os
import tempfile

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "The demo: example teams, models, evaluations and reviews (seed), or no longer (remove)."

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        seed = steps.add_parser("seed", help="Add whatever of the demo is missing; the site must be running.")
        seed.add_argument("--url", required=True, help="Where the site answers, such as http://127.0.0.1:8000")
        steps.add_parser("remove", help="Delete the demo's repos, reviews, teams and people.")

    def handle(self, *args: object, step: str, url: str = "", **options: object) -> None:
        if step == "remove":
            from marketplace.demo.removing import remove

            self.stdout.write(f"removed the demo with its {remove()} repos")
            return
        with tempfile.TemporaryDirectory(prefix="demo-hf-") as home:
            # The client reads its settings when it is imported, and must not touch the visitor's own cache.
            os.environ.update(HF_HOME=home, HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_TELEMETRY="1")
            from huggingface_hub.errors import HfHubHTTPError

            from marketplace.demo.seeding import DemoFailed, Seeding

            for name in ("httpx", "httpx2", "huggingface_hub"):
                logging.getLogger(name).setLevel(logging.ERROR)  # one line a step is enough
            try:
                Seeding(url.rstrip("/"), self._say).run()
            except (DemoFailed, HfHubHTTPError, httpx.TransportError, ConnectionError) as problem:
                raise CommandError(f"demo: {problem}") from None

    def _say(self, line: str) -> None:
        self.stdout.write(f"demo: {line}")
        self.stdout.flush()
