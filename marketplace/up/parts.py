"""The processes of a site, as commands: what runs, what it is told, how it is stopped."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.core.management import get_commands

READY_FILES = ("worker.ready", "mirrors.ready")  # in run/, written by marketplace/celery.py
DRAIN_SECONDS = 20
# Jobs may take their time, but none waits for ever: what ends by these is sent again by a sweep.
PATIENCE = {"STATEMENT_TIMEOUT_MS": "1800000", "LOCK_TIMEOUT_MS": "300000"}


@dataclass(frozen=True)
class Part:
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def web(*, bind: str, port: int) -> Part:
    address = f"[{bind}]:{port}" if ":" in bind else f"{bind}:{port}"
    return Part(
        "web",
        ("-m", "gunicorn", "-c", "python:marketplace.web_server", "marketplace.wsgi"),
        {"BIND": address, "DRAIN_SECONDS": str(DRAIN_SECONDS)},
    )


def worker(run_dir: Path) -> Part:
    return _celery_worker("worker", run_dir, "-Q", "default", "--concurrency", "2")


def mirrors(run_dir: Path) -> Part:
    """Threads of one process: a sync waits for the network, and hashing leaves Python's lock to others."""
    return _celery_worker("mirrors", run_dir, "-Q", "mirrors", "--pool", "threads", "--concurrency", "2")


def _celery_worker(name: str, run_dir: Path, *options: str) -> Part:
    return Part(
        name,
        (
            *("-m", "celery", "-A", "marketplace", "worker", *options, "--hostname", f"{name}@embedded"),
            *("--without-gossip", "--without-mingle", "--loglevel", "INFO"),
        ),
        {"WORKER_READY_FILE": str(run_dir / f"{name}.ready"), **PATIENCE},
    )


def beat(run_dir: Path) -> Part:
    return Part(
        "beat",
        (
            *("-m", "celery", "-A", "marketplace", "beat", "--schedule", str(run_dir / "beat")),
            *("--pidfile", "", "--loglevel", "WARNING"),
        ),
    )


def node(*, url: str, token_file: Path) -> Part:
    return Part("node", ("manage.py", "node", "--embedded", "--hub", url, "--token-file", str(token_file)))


def demo(url: str) -> Part:
    return Part("demo", ("manage.py", "demo", "seed", "--url", url))


def command_line(part: Part) -> list[str]:
    return [sys.executable, *part.command]


def has_command(name: str) -> bool:
    return name in get_commands()


def token_file() -> Path:
    return Path(settings.DATA_DIR) / "node" / "token"
