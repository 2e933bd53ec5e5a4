"""Ceph's S3 server on a cluster of one: a monitor, an object daemon that keeps bytes in memory, a gateway.

All three run from one folder as whoever runs the tests, on loopback ports; there is no manager, since none is missed.
The gateway speaks plain HTTP on one port and TLS on another: boto3 sends bodies and checksums differently over each.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from marketplace.embedded import children
from tests.certificates import Authority
from tests.processes import free_port, wait_for

MEMORY_BYTES: Final = 2 * 1024**3
START_SECONDS: Final = 120  # more than it needs by far: a busy machine

# One copy of everything, one placement group a pool, and decisions at once instead of gathered for a second.
CONFIGURATION: Final = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{monitor_port}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
keyring = {folder}/keyring
run dir = {folder}/run
admin socket =
pid file =
log to file = false
log to stderr = true
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/gateway
osd objectstore = memstore
memstore device bytes = {memory_bytes}
mon allow pool size one = true
mon data avail crit = 0
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
paxos propose interval = 0.05
rgw frontends = beast endpoint=127.0.0.1:{port} {tls}
"""
KEYRING: Final = """
[mon.]
    key = {key}
    caps mon = "allow *"
[client.admin]
    key = {key}
    caps mon = "allow *"
    caps osd = "allow *"
[osd.0]
    key = {key}
    caps mon = "allow *"
    caps osd = "allow *"
"""


@dataclass(frozen=True)
class Gateway:
    """Where the S3 server answers."""

    endpoint: str
    tls_endpoint: str
    trusted: Path  # the authority of its certificate
    folder: Path

    def limit_bucket(self, name: str, size_bytes: int) -> None:
        """From now on the bucket takes no more than this."""
        bucket = ("--quota-scope", "bucket", "--bucket", name)
        _administer(self.folder, "quota", "set", *bucket, "--max-size", str(size_bytes))
        _administer(self.folder, "quota", "enable", *bucket)


class Cluster:
    """The folder of a cluster, and the commands that make it run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[children.Child] = []
        self._fsid = str(uuid.uuid4())
        self._monitor_port, port, tls_port = free_port(), free_port(), free_port()
        for name in ("mon", "osd", "gateway", "run"):
            (folder / name).mkdir()
        authority = Authority(folder)
        shown = authority.issue("127.0.0.1")
        configuration = CONFIGURATION.format(
            fsid=self._fsid,
            folder=folder,
            memory_bytes=MEMORY_BYTES,
            monitor_port=self._monitor_port,
            port=port,
            tls=f"ssl_endpoint=127.0.0.1:{tls_port} ssl_certificate={shown.chain} ssl_private_key={shown.key}",
        )
        (folder / "ceph.conf").write_text(configuration)
        (folder / "keyring").write_text(KEYRING.format(key=_output("ceph-authtool", "--gen-print-key").strip()))
        self._gateway = Gateway(f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls_port}", authority.bundle, folder)

    @classmethod
    @contextmanager
    def started(cls, folder: Path, *, access_key: str, secret_key: str) -> Iterator[Gateway]:
        """Yields a gateway that knows one user with these keys."""
        cluster = cls(folder)
        try:
            cluster._start_monitor()
            cluster._start_object_daemon()
            # Before the gateway runs, so that only one of them makes the pools.
            keys = ("--access-key", access_key, "--secret-key", secret_key)
            _administer(folder, "user", "create", "--uid", "tests", "--display-name", "tests", *keys)
            cluster._start("radosgw", "-n", "client.admin", "-f")
            wait_for(cluster._gateway.endpoint, timeout_seconds=START_SECONDS)
        except (subprocess.SubprocessError, TimeoutError) as problem:
            raise RuntimeError(f"{problem}\n{cluster._logs()}") from None
        else:
            yield cluster._gateway
        finally:
            for child in reversed(cluster._running):
                child.stop(timeout_seconds=10)

    def _start_monitor(self) -> None:
        monitors = str(self._folder / "monmap")
        address = f"[v2:127.0.0.1:{self._monitor_port}]"
        _output("monmaptool", "--create", "--fsid", self._fsid, "--addv", "a", address, monitors)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monitors)
        self._start("ceph-mon", "-i", "a", "-f")

    def _start_object_daemon(self) -> None:
        daemon = str(uuid.uuid4())
        self._run("ceph", "osd", "new", daemon, "0")  # waits until the monitor answers
        self._run("ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", daemon)
        self._start("ceph-osd", "-i", "0", "-f")
        deadline = time.monotonic() + START_SECONDS
        while not json.loads(self._run("ceph", "osd", "stat", "-f", "json"))["num_up_osds"]:
            if time.monotonic() > deadline:
                raise TimeoutError("the object daemon did not come up")
            time.sleep(0.2)

    def _start(self, program: str, *arguments: str) -> None:
        command = [program, "-c", str(self._folder / "ceph.conf"), *arguments]
        self._running.append(children.start(program, command, data_dir=self._folder, environment=dict(os.environ)))

    def _run(self, program: str, *arguments: str) -> str:
        return _output(program, "-c", str(self._folder / "ceph.conf"), *arguments)

    def _logs(self) -> str:
        return "\n".join(f"== {file.name}\n{file.read_text()[-4000:]}" for file in self._folder.glob("logs/*.log"))


def _administer(folder: Path, *arguments: str) -> None:
    _output("radosgw-admin", "-c", str(folder / "ceph.conf"), *arguments)


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=False)
    if done.returncode:
        raise subprocess.SubprocessError(f"{command}: {done.stdout}\n{done.stderr}")
    return done.stdout
