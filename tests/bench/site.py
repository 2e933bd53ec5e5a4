"""A whole site for a measurement: servers with durable settings, one person, and the files she sends."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from marketplace.embedded import servers
from tests import session
from tests.processes import Hub

BLOCK_BYTES = 8 * 1024 * 1024
MB = 1_000_000


@dataclass(frozen=True)
class Site:
    """A running site, the writer's token, and a folder for files on the same disk."""

    hub: Hub
    token: str
    files: Path

    def client(self, *, with_xet: bool, home: str) -> dict[str, str]:
        """The environment of a client that never was here before."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "DJANGO"))}
        own = {
            "HF_ENDPOINT": self.hub.url,
            "HF_HOME": str(self.files / home),
            "HF_TOKEN": self.token,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        return kept | own | ({} if with_xet else {"HF_HUB_DISABLE_XET": "1"})

    def upload(self, file: Path, repo: str, *, with_xet: bool) -> None:
        """`hf upload` of one file as `weights.bin` into a private repo."""
        command: list[str | Path] = [
            Path(sys.executable).with_name("hf"),
            "upload",
            repo,
            file,
            "weights.bin",
            "--private",
        ]
        environment = self.client(with_xet=with_xet, home=f"home-{repo.replace('/', '-')}")
        done = subprocess.run(command, env=environment, cwd=self.files, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"hf upload: {done.stdout}\n{done.stderr}\n{self.hub.logs()}")

    def stored(self, sha256: str) -> Path:
        """Where the store keeps these bytes."""
        return next((self.hub.home / "blobs").rglob(sha256))


@contextlib.contextmanager
def running() -> Iterator[Site]:
    """A fresh site; afterwards nothing of it runs or lies on the disk."""
    held = session.Servers()
    try:
        servers.prepare(session.DATA_DIR)
        held.children = servers.start(session.DATA_DIR)  # durable, unlike those of the tests
        with Hub.started("bench") as hub:
            files = hub.home / "bench-files"
            files.mkdir()
            yield Site(hub, hub.people("ann")["ann"], files)
    finally:
        held.stop()


def random_file(path: Path, size: int) -> str:
    """Write `size` bytes that no compression and no cache knows; returns their sha256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for start in range(0, size, BLOCK_BYTES):
            block = os.urandom(min(BLOCK_BYTES, size - start))
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def progress(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)
