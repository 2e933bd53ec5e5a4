"""`python -m tests.bench.git_over_http`: git push, clone and fetch, beside git's own upload-pack and dulwich's server.

Two repos: a flat folder of 2 000 files with 300 commits, and one commit of many files in 1 000 folders.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import httpx
import psutil

from tests.bench.site import Site, running

FOLDERS = 1_000
FLAT_FILES, FLAT_COMMITS = 2_000, 300
SAMPLE_SECONDS = 0.05


class Peak:
    """The largest resident size of one process of ours while a block runs."""

    def __init__(self, pids: Callable[[], list[psutil.Process]]) -> None:
        self._pids, self.megabytes, self._stop = pids, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            for process in self._pids():
                try:
                    self.megabytes = max(self.megabytes, process.memory_info().rss / 1e6)
                except psutil.NoSuchProcess:
                    continue


def git(*arguments: object, cwd: Path, text: bytes = b"") -> bytes:
    """Runs git without asking anybody anything."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(cwd)}
    command = ["git", "-c", "gc.auto=0", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, input=text, check=True, capture_output=True).stdout


def many_files(folder: Path, count: int) -> Path:
    """One commit of small files."""
    stream = [b"commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nx\n"]
    for number in range(count):
        content = b'{"id": %d}\n' % number
        stream.append(
            b"M 644 inline f%03d/%06d.json\ndata %d\n%s\n" % (number % FOLDERS, number, len(content), content)
        )
    return _imported(folder, b"".join(stream))


def long_history(folder: Path) -> Path:
    """A flat folder that changes in one file per commit."""
    stream = []
    for commit in range(FLAT_COMMITS):
        stream.append(b"commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 1\nx\n" % (1_700_000_000 + commit))
        changed = range(FLAT_FILES) if commit == 0 else [commit * 7 % FLAT_FILES]
        stream += [b"M 644 inline %05d.txt\ndata 10\n%05d%05d\n" % (number, number, commit) for number in changed]
    return _imported(folder, b"".join(stream))


def _imported(folder: Path, stream: bytes) -> Path:
    folder.mkdir()
    git("init", "-q", "--bare", "-b", "main", ".", cwd=folder)
    git("fast-import", "--quiet", cwd=folder, text=stream)
    return folder


def clone(address: object, into: Path) -> tuple[float, int]:
    """Returns seconds, and the bytes of the pack that came."""
    start = time.monotonic()
    git("clone", "-q", "--bare", address, into, cwd=into.parent)
    seconds = time.monotonic() - start
    size = sum(pack.stat().st_size for pack in (into / "objects/pack").glob("*.pack"))
    shutil.rmtree(into)
    return seconds, size


def measure(here: Site, name: str, source: Path) -> None:
    """Prints what a push to us and clones from us and from git cost."""
    host = here.hub.url.removeprefix("http://")
    address = f"http://user:{here.token}@{host}/ann/{name}"
    _create(here, name)
    with Peak(lambda: _web(here)) as peak:
        start = time.monotonic()
        git("push", "-q", "--force", address, "main", cwd=source)
        pushed = time.monotonic() - start
    print(f"{name}: push {pushed:.1f} s, largest web process {peak.megabytes:.0f} MB")
    with Peak(lambda: _web(here)) as peak:
        seconds, size = clone(address, here.files / "clone")
    print(f"{name}: clone {seconds:.1f} s, {size / 1e6:.1f} MB, largest web process {peak.megabytes:.0f} MB")
    seconds, size = clone(f"file://{source}", here.files / "clone")
    print(f"{name}: clone from git's own upload-pack {seconds:.1f} s, {size / 1e6:.1f} MB")
    for line in subprocess.run(
        [sys.executable, "-c", _DULWICH, str(source)], check=True, capture_output=True, text=True
    ).stdout.splitlines():
        print(f"{name}: dulwich {line}")


_DULWICH = """
import resource, sys, time
from dulwich.pack import write_pack_data
from dulwich.repo import Repo
repo, start = Repo(sys.argv[1]), time.monotonic()
count, records = repo.object_store.generate_pack_data([], [repo.head()])
with open("/dev/null", "wb") as sink:
    write_pack_data(sink.write, records, repo.object_format, num_records=count)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
print(f"makes a pack in {time.monotonic() - start:.1f} s, {peak:.0f} MB")
"""


def _create(here: Site, name: str) -> None:
    answer = httpx.post(
        f"{here.hub.url}/api/repos/create",
        json={"type": "model", "name": name},
        headers={"Authorization": f"Bearer {here.token}"},
        timeout=60,
    )
    answer.raise_for_status()


def _web(here: Site) -> list[psutil.Process]:
    return [
        process
        for child in here.hub.running
        if child.name.startswith("web")
        for process in psutil.Process(child.process.pid).children(recursive=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=100_000)
    count = parser.parse_args().files
    with running() as here:
        measure(here, "long-history", long_history(here.files / "long-history"))
        measure(here, "many-files", many_files(here.files / "many-files", count))


if __name__ == "__main__":
    main()
