"""What `up` is asked for, read before Django's settings because it decides what they say."""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path

from marketplace.embedded.problems import CannotStart
from marketplace.up import checks


def add_to(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", type=Path, required=True, help="Where everything is kept.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS", help="Default: this machine only.")
    parser.add_argument("--no-demo", action="store_true", help="Start empty.")


def adopt(words: list[str]) -> None:
    """Check what can be checked without a start, and name the data directory to the settings."""
    parser = argparse.ArgumentParser(prog="manage.py up", add_help=False)
    add_to(parser)
    if {"-h", "--help"} & set(words):
        return
    asked, _ = parser.parse_known_args(words)
    data_dir = asked.data_dir.expanduser().resolve()
    try:
        checks.writable(data_dir)
        checks.roomy(data_dir)
        checks.lock(data_dir)
        checks.free(asked.bind, asked.port)
    except CannotStart as problem:
        raise SystemExit(str(problem)) from None
    os.environ["MARKETPLACE_DATA_DIR"] = str(data_dir)
    os.environ.setdefault("ALLOWED_HOSTS", ",".join(reachable_names(asked.bind)))


def reachable_names(bind: str) -> list[str]:
    """Without ALLOWED_HOSTS: how this machine calls itself, and the address it was told to listen on."""
    local = ["localhost", "127.0.0.1", "[::1]"]
    if bind in {"127.0.0.1", "localhost", "::1"}:
        return local
    return [*local, socket.gethostname(), f"[{bind}]" if ":" in bind else bind]
