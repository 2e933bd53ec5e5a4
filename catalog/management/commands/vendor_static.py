"""`vendor_static [--check]`: copies what pages load from node_modules to static/vendor.

    npm ci --ignore-scripts && manage.py vendor_static           copy
    npm ci --ignore-scripts && manage.py vendor_static --check   compare only; fails when something differs

Each copied file stands in static/vendor/SHA256SUMS. Nothing of Node runs in production.
"""

from __future__ import annotations

import hashlib
import shutil
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

FILES = {
    "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
    "htmx.org/LICENSE": "htmx/LICENSE",
}


class Command(BaseCommand):
    help = "Copy the browser libraries that npm installed to static/vendor, or check the copy."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only compare")

    def handle(self, *, check: bool, **options: object) -> None:
        source, target = settings.BASE_DIR / "node_modules", settings.BASE_DIR / "static" / "vendor"
        if not source.is_dir():
            raise CommandError("There is no node_modules; run npm ci --ignore-scripts first.")
        if check:
            different = [name for path, name in FILES.items() if sha256(source / path) != sha256(target / name)]
            if different:
                raise CommandError(f"not what npm ci installed: {', '.join(different)}")
            return
        for path, name in FILES.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, target / name)
        sums = "".join(f"{sha256(target / name)}  {name}\n" for name in sorted(FILES.values()))
        (target / "SHA256SUMS").write_text(sums)


def sha256(path: Path) -> str:
    """Hex digest of a file; "" when there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
