"""pg_dump and pg_restore for the database this site uses; the package's own binaries first, they know PostgreSQL 18."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection

from marketplace.embedded import servers
from marketplace.embedded.postgres import MAJOR_VERSION, PACKAGE
from marketplace.embedded.problems import CannotStart


def dump(to: Path) -> None:
    """Write the database into a file of pg_dump's own format. Raises `CannotStart` with what pg_dump said."""
    _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={to}")


def load(dumped: Path) -> None:
    """Replace the database's tables by those of a dump, all or nothing."""
    connection.close()  # our own locks would be in the way
    options = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error")
    _run("pg_restore", *options, str(dumped))


@contextmanager
def database_running() -> Iterator[None]:
    """The embedded PostgreSQL of this data directory, started for the block when it does not run already."""
    started = []
    try:
        connection.ensure_connection()
    except OperationalError:
        if not settings.IS_EMBEDDED:
            raise
        servers.prepare(settings.DATA_DIR)
        started = servers.start(settings.DATA_DIR, with_redis=False)
    try:
        yield
    finally:
        connection.close()
        for child in started:
            child.stop(timeout_seconds=30)


def _run(program: str, *options: str) -> None:
    found = connection.settings_dict
    where = [f"--host={found['HOST'] or ''}", f"--port={found['PORT'] or 5432}", f"--username={found['USER'] or ''}"]
    done = subprocess.run(
        [_path_of(program), *where, "--no-password", f"--dbname={found['NAME']}", *options],
        env={**_without_pg(dict(os.environ)), "PGPASSWORD": str(found["PASSWORD"] or "")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotStart(f"{program} failed: {done.stderr.strip()[-500:]}")


def _without_pg(environment: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in environment.items() if not name.startswith("PG")}


def _path_of(program: str) -> str:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin" / program
        if path.exists():
            return str(path)
    found = shutil.which(program)
    if found is None:
        raise CannotStart(f"{program} is missing: install the PostgreSQL client programs, or run `make install`.")
    return found
