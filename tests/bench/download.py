"""A big private file through the authorised resolve route, beside a bare sendfile view and nginx."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

from marketplace.embedded import children
from tests.bench import registry, web_processes
from tests.bench.site import MB, Site, progress, random_file
from tests.bench.table import Row, at_least, at_most
from tests.processes import free_port, wait_for

AT_ONCE = 4  # downloads while memory is watched
MEMORY_MB = 200
REGISTRY = "docker-registry"
NGINX = {
    "default": "",
    "tcp_nopush": "tcp_nopush on;",
    "sendfile_max_chunk 0": "sendfile_max_chunk 0;",
}


@dataclass(frozen=True)
class Contender:
    """Somebody who serves the same file."""

    name: str
    url: str
    token: str = ""

    @property
    def command(self) -> list[str]:
        said = ["-H", f"Authorization: Bearer {self.token}"] if self.token else []
        return ["curl", "-sS", "--fail", "-o", os.devnull, "-w", "%{size_download} %{speed_download}", *said, self.url]

    def fetch(self, size: int) -> float:
        """Returns bytes per second."""
        received, speed = subprocess.run(self.command, capture_output=True, text=True, check=True).stdout.split()
        if int(received) != size:
            raise RuntimeError(f"{self.name} sent {received} bytes instead of {size}")
        return float(speed)


def measure(site: Site, size: int, rounds: int) -> list[Row]:
    progress(f"download: sending {size // MB} MB to the site")
    idle = web_processes.memory(site.hub)
    file = site.files / "download.bin"
    sha256 = random_file(file, size)
    site.upload(file, "ann/download", with_xet=False)
    with registry.running(site.hub.home) as other:
        contenders = _contenders(site, site.stored(sha256))
        if other is not None:
            contenders.append(Contender(REGISTRY, other.push(file, sha256)))
        file.unlink()
        return _compared(site, contenders, idle, size, rounds)


def _compared(site: Site, contenders: list[Contender], idle: web_processes.Memory, size: int, rounds: int) -> list[Row]:
    for contender in contenders:
        contender.fetch(size)  # into the page cache, and every import done
    memory = _memory(site, contenders[0], idle)
    speeds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    order = random.Random(2)
    for number in range(rounds):
        progress(f"download: round {number + 1} of {rounds}")
        for contender in order.sample(contenders, len(contenders)):  # nobody always follows the same other
            speeds[contender.name].append(contender.fetch(size))
    return [*_rows(speeds, size), memory]


def _contenders(site: Site, stored: Path) -> list[Contender]:
    bare = free_port()
    site.hub.start(
        "bare",
        *("-m", "gunicorn", "-c", "python:marketplace.web_server", "tests.bench.bare_view"),
        BIND=f"127.0.0.1:{bare}",
        BARE_FILE=str(stored),
        DRAIN_SECONDS="2",
    )
    ports = {name: free_port() for name in NGINX}
    configuration = site.hub.home / "bench-nginx.conf"
    configuration.write_text(_nginx(site.hub.home, stored, ports))
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") or "nginx"
    command: list[str | Path] = [nginx, "-c", configuration, "-e", "stderr", "-g", "daemon off;"]
    site.hub.running.append(children.start("bench-nginx", command, data_dir=site.hub.home))
    found = [
        Contender("resolve", f"{site.hub.url}/ann/download/resolve/main/weights.bin", site.token),
        Contender("bare", f"http://127.0.0.1:{bare}/"),
        *(Contender(f"nginx, {name}", f"http://127.0.0.1:{port}/{stored.name}") for name, port in ports.items()),
    ]
    for contender in found[1:]:
        wait_for(contender.url)
    return found


def _nginx(home: Path, stored: Path, ports: dict[str, int]) -> str:
    """Sendfile is on in all three: without it nginx would copy every byte."""
    temporary = "".join(
        f"{kind}_temp_path {home}/nginx-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    sites = "".join(
        f"server {{ listen 127.0.0.1:{port}; root {stored.parent}; {NGINX[name]} }}\n" for name, port in ports.items()
    )
    user = "user root;" if os.geteuid() == 0 else ""  # the store is closed to others
    return (
        f"{user} pid {home}/bench-nginx.pid; worker_processes auto; events {{ worker_connections 64; }}\n"
        f"http {{ access_log off; sendfile on; default_type application/octet-stream; {temporary}\n{sites} }}\n"
    )


def _memory(site: Site, resolve: Contender, idle: web_processes.Memory) -> Row:
    with web_processes.watched(site.hub) as usage:
        curls = [subprocess.Popen(resolve.command, stdout=subprocess.DEVNULL) for _ in range(AT_ONCE)]
        failed = [curl.wait() for curl in curls]
    if any(failed):
        raise RuntimeError(f"curl failed: {failed}")
    return memory_row(f"web memory, {AT_ONCE} downloads at once", usage, idle)


def memory_row(what: str, usage: web_processes.Usage, idle: web_processes.Memory) -> Row:
    """The promise is for each web process; what all of them take more is shown beside it."""
    most = max(peak - idle.rss.get(pid, 0) for pid, peak in usage.rss_peaks.items()) / MB
    together, pss = (usage.together_peak - idle.rss_together) / MB, (usage.pss_peak - idle.pss) / MB
    here = f"idle + {most:.0f} MB; all: + {together:.0f} MB RSS, + {pss:.0f} MB PSS"
    beside = f"idle, all: {idle.rss_together / MB:.0f} MB RSS, {idle.pss / MB:.0f} MB PSS"
    return at_most(what, here, beside, value=max(most, 0), most=MEMORY_MB, unit="MB a process")


def _rows(speeds: dict[str, list[float]], size: int) -> list[Row]:
    median = {name: statistics.median(found) for name, found in speeds.items()}
    here, title = f"{median['resolve'] / MB:.0f} MB/s", f"download of {size / MB:.0f} MB by curl"
    bare = f"bare sendfile view {median['bare'] / MB:.0f} MB/s"
    rows = [at_least(title, here, bare, ratio=_ratio(speeds, "bare"), least=0.9)]
    by_speed = sorted((f"nginx, {name}" for name in NGINX), key=median.__getitem__, reverse=True)
    for name in by_speed:
        shown = f"{name} {median[name] / MB:.0f} MB/s" + (" (its best)" if name == by_speed[0] else "")
        rows.append(Row(title, here, shown, _ratio(speeds, name)))
    if REGISTRY in speeds:
        rows.append(Row(title, here, f"{REGISTRY} {median[REGISTRY] / MB:.0f} MB/s", _ratio(speeds, REGISTRY)))
    return rows


def _ratio(speeds: dict[str, list[float]], other: str) -> float:
    """The median of the rounds' ratios: within a round, both met the same neighbours on this machine."""
    return statistics.median(ours / theirs for ours, theirs in zip(speeds["resolve"], speeds[other], strict=True))
