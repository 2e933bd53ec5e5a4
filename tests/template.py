"""One database with all migrations, which every other database of a test session starts as a copy of.

Migrating takes ten seconds, copying a fraction of one, and a session starts about fifteen databases.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from marketplace import data_dir as places
from tests.session import DATA_DIR

NAME = "migrated"
ROOT = Path(__file__).resolve().parent.parent


def login() -> psycopg.Connection:
    """To the session's PostgreSQL, to make and drop databases."""
    return psycopg.connect(
        host=str(places.socket_dir(DATA_DIR)),
        user="marketplace",
        password=places.kept_secret(DATA_DIR, "postgres"),
        dbname="marketplace",
        autocommit=True,
    )


def url(database: str) -> str:
    """Of a database of the session's PostgreSQL."""
    password = places.kept_secret(DATA_DIR, "postgres")
    return f"postgres://marketplace:{password}@{quote(str(places.socket_dir(DATA_DIR)), safe='')}/{database}"


def migrated() -> str:
    """The template's name; the first process of the session that asks makes it, others wait for that."""
    with (DATA_DIR / "migrated.lock").open("w") as lock, login() as connection:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = connection.execute("SELECT datistemplate FROM pg_database WHERE datname = %s", [NAME]).fetchone()
        if known is None or not known[0]:
            create(connection, NAME)
            _migrate(url(NAME))
            connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(NAME)))
    return NAME


def create(connection: psycopg.Connection, name: str, *, template: str = "template1") -> None:
    """A new database; what is left of one by that name goes first."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


def _migrate(database_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if not name.endswith("_TIMEOUT_MS")},
            "DATABASE_URL": database_url,
            "SECRET_KEY": "a secret key of forty characters for tests",
            "TOKEN_PEPPER": "a token pepper of forty characters for tests",
            "SIGNING_KEY": places.kept_secret(DATA_DIR, "signing_key", places.new_signing_key),
            "ADMIN_SECOND_FACTOR": "optional",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
