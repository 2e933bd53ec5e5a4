"""Debian's docker-registry with the same bytes on the same disk, where it is installed: another server beside ours."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx

from marketplace.embedded import children
from tests.processes import free_port, wait_for

_CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@dataclass(frozen=True)
class Registry:
    url: str

    def push(self, file: Path, sha256: str) -> str:
        """Send a file as one blob; returns its address."""
        opened = httpx.post(f"{self.url}/v2/bench/blobs/uploads/", timeout=60)
        opened.raise_for_status()
        target = httpx.URL(urljoin(self.url, opened.headers["Location"])).copy_add_param("digest", f"sha256:{sha256}")
        command = ["curl", "-sS", "--fail", "-X", "PUT", "-H", "Content-Type: application/octet-stream"]
        subprocess.run([*command, "-T", str(file), str(target)], check=True, stdout=subprocess.DEVNULL)
        return f"{self.url}/v2/bench/blobs/sha256:{sha256}"


@contextlib.contextmanager
def running(home: Path) -> Iterator[Registry | None]:
    """A registry that keeps its files below `home`; None where there is none to start."""
    binary = shutil.which("docker-registry")
    if binary is None:
        yield None
        return
    port, folder = free_port(), home / "registry"
    configuration = home / "registry.yml"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port))
    server = children.start("bench-registry", [binary, "serve", configuration], data_dir=home)
    try:
        wait_for(f"http://127.0.0.1:{port}/v2/")
        yield Registry(f"http://127.0.0.1:{port}")
    finally:
        server.stop(timeout_seconds=10)
        shutil.rmtree(folder, ignore_errors=True)
