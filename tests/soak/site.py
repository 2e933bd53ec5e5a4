"""A site of its own for one soak: embedded PostgreSQL, a store on this disk, nothing that anybody would miss."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_site() -> Iterator[Path]:
    """Configures Django for a fresh data directory with a migrated database, and removes all of it at the end."""
    home = Path(tempfile.mkdtemp(prefix="mm-soak-"))
    home.chmod(0o755)  # as root, PostgreSQL's own account must get through
    for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "PUBLIC_URL"):
        os.environ.pop(name, None)
    os.environ |= {
        "MARKETPLACE_DATA_DIR": str(home),
        "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        "PLAIN_STATIC": "1",
        "LOG_LEVEL": "CRITICAL",
    }
    from marketplace.embedded import servers
    from marketplace.embedded.postgres import UNSAFE_BUT_FAST

    servers.prepare(home)
    running = servers.start(home, postgres_extra=UNSAFE_BUT_FAST)
    try:
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        yield home
        connections.close_all()
    finally:
        for child in running:
            child.stop(timeout_seconds=10)
        shutil.rmtree(home, ignore_errors=True)
