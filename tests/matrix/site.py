"""The server under test: one `up`, as an operator starts it, with the people the scripts act as."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.processes import ROOT
from tests.up import Up, clean_environment


@dataclass(frozen=True)
class Site:
    """A running `up`; `tokens` are of ann, who may write, and of `reader`, ann's token that only reads."""

    url: str
    data_dir: Path
    tokens: dict[str, str]

    def tokens_with(self, other: str) -> dict[str, str]:
        """Those of ann, and that of a new person who writes: the scripts' bob."""
        _command(self.data_dir, "create_user", other, "--full-name", other.title())
        return {**self.tokens, "bob": _command(self.data_dir, "create_token", other, "--role", "write")}


@contextlib.contextmanager
def running() -> Iterator[Site]:
    """A fresh site; afterwards nothing of it runs or lies on the disk."""
    home = Path(tempfile.mkdtemp(prefix="mm-matrix-"))
    home.chmod(0o755)  # as root, the account of PostgreSQL must get through
    data_dir = home / "data"
    up = Up(data_dir)
    try:
        up.wait_for_line("ready ")
        _command(data_dir, "create_user", "ann", "--full-name", "Ann")
        _command(data_dir, "create_org", "acme", "--admin", "ann", "--full-name", "Acme Ltd")
        roles = {"ann": "write", "reader": "read"}
        tokens = {name: _command(data_dir, "create_token", "ann", "--role", role) for name, role in roles.items()}
        yield Site(f"http://127.0.0.1:{up.port}", data_dir, tokens)
    finally:
        if up.process.poll() is None:
            up.stop()
        shutil.rmtree(home, ignore_errors=True)


def _command(data_dir: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=clean_environment() | {"MARKETPLACE_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{arguments}: {done.stdout}\n{done.stderr}")
    return done.stdout.strip()
