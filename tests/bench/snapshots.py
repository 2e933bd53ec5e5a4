"""Whole repos by the real client: several at once, many small files, and what a killed download costs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.bench import web_processes
from tests.bench.download import memory_row
from tests.bench.site import MB, Site, progress, random_file
from tests.bench.table import Row

AT_ONCE = 8
FILES = 4


def measure(site: Site, *, size: int, small_files: int) -> list[Row]:
    idle = web_processes.memory(site.hub)
    folder = site.files / "big"
    folder.mkdir()
    for number in range(FILES):
        random_file(folder / f"part-{number}.bin", size)
    progress(f"snapshots: sending {FILES} files of {size // MB} MB")
    _send(site, folder, "ann/big")
    shutil.rmtree(folder)
    rows = [*_many_at_once(site, size, idle), _resumed(site, size)]
    small = site.files / "many"
    small.mkdir()
    for number in range(small_files):
        (small / f"{number}.json").write_text(f'{{"number": {number}}}\n')
    progress(f"snapshots: sending {small_files} small files")
    _send(site, small, "ann/many")
    return [*rows, _many_small(site, small_files)]


def _many_at_once(site: Site, size: int, idle: web_processes.Memory) -> list[Row]:
    """Beside the same number of curls that take the same files one after the other."""
    clients = _timed(site, [_snapshot(site, "ann/big", f"at-once-{number}") for number in range(AT_ONCE)])
    seconds, usage = clients
    curls = [["sh", "-c", _curls(site, site.files / f"curls-{number}"), "sh"] for number in range(AT_ONCE)]
    beside, _usage = _timed(site, curls)
    volume = AT_ONCE * FILES * size / MB
    what = f"{AT_ONCE} snapshot_download at once of {FILES} × {size // MB} MB"
    return [
        Row(
            what,
            f"{seconds:.1f} s, {volume / seconds:.0f} MB/s",
            f"as many curls {beside:.1f} s, {volume / beside:.0f} MB/s",
            beside / seconds,
        ),
        memory_row(f"web memory, {what}", usage, idle),
    ]


def _curls(site: Site, folder: Path) -> str:
    url = f"{site.hub.url}/ann/big/resolve/main/part-"
    fetches = " && ".join(
        f"curl -sS --fail -H 'Authorization: Bearer {site.token}' -o {folder}/{number} {url}{number}.bin"
        for number in range(FILES)
    )
    return f"mkdir -p {folder} && {fetches}; code=$?; rm -rf {folder}; exit $code"


def _resumed(site: Site, size: int) -> Row:
    """A download killed half-way is started again: how many bytes are fetched twice."""
    progress("snapshots: a killed download")
    folder = site.files / "killed"
    command = _download(site, "part-0.bin", folder)
    client = subprocess.Popen(command, env=site.client(with_xet=False, home="home-killed"), stdout=subprocess.DEVNULL)
    kept = 0
    while client.poll() is None and kept < size // 2:
        kept = max((part.stat().st_size for part in folder.rglob("*.incomplete")), default=0)
        time.sleep(0.005)
    client.kill()
    client.wait()
    kept = max((part.stat().st_size for part in folder.rglob("*.incomplete")), default=0)
    began = time.perf_counter()
    with web_processes.watched(site.hub):
        subprocess.run(
            command, env=site.client(with_xet=False, home="home-killed"), check=True, stdout=subprocess.DEVNULL
        )
    seconds = time.perf_counter() - began
    if (folder / "part-0.bin").stat().st_size != size:
        raise RuntimeError("the resumed file has another size")
    shutil.rmtree(folder)
    return Row(
        f"resume of {size // MB} MB after a kill",
        f"{(size - kept) // MB} MB fetched in {seconds:.1f} s",
        f"{kept // MB} MB were there",
        (size - kept) / size,
    )


def _many_small(site: Site, files: int) -> Row:
    seconds, _usage = _timed(site, [_snapshot(site, "ann/many", "many-small")])
    return Row(f"snapshot_download of {files} small files", f"{seconds:.1f} s, {files / seconds:.0f} files/s", "", None)


def _snapshot(site: Site, repo: str, home: str) -> list[str]:
    folder = site.files / home
    code = (
        "import shutil; from huggingface_hub import snapshot_download; "
        f"snapshot_download({repo!r}, cache_dir={str(folder)!r}); shutil.rmtree({str(folder)!r})"
    )
    return [sys.executable, "-c", code]


def _download(site: Site, name: str, folder: Path) -> list[str]:
    hf = str(Path(sys.executable).with_name("hf"))
    return [hf, "download", "ann/big", name, "--local-dir", str(folder)]


def _timed(site: Site, commands: list[list[str]]) -> tuple[float, web_processes.Usage]:
    progress(f"snapshots: {len(commands)} clients at once")
    environment = site.client(with_xet=False, home="home-snapshots")
    began = time.perf_counter()
    with web_processes.watched(site.hub) as usage:
        running = [subprocess.Popen(command, env=environment) for command in commands]
        failed = [client.wait() for client in running]
    if any(failed):
        raise RuntimeError(f"clients failed: {failed}\n{site.hub.logs()}")
    return time.perf_counter() - began, usage


def _send(site: Site, folder: Path, repo: str) -> None:
    command = [str(Path(sys.executable).with_name("hf")), "upload", repo, str(folder), ".", "--private"]
    done = subprocess.run(
        command, env=site.client(with_xet=False, home="home-send"), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"hf upload: {done.stdout}\n{done.stderr}\n{site.hub.logs()}")
