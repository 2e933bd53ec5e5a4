"""A running `manage.py up`, as scripts and people start it."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
import urllib.request

import psutil

from marketplace.embedded.children import OWNER_VARIABLE
from tests.processes import ROOT, free_port

PATIENCE_SECONDS = 120  # a loaded machine is not a broken one


class Up:
    """A running `up`, in a data directory and an environment of its own."""

    def __init__(self, data_dir, *arguments, port=None, with_demo=False, **environment):
        self.data_dir, self.port = data_dir, port or free_port()
        command = [
            sys.executable,
            "manage.py",
            "up",
            "--data-dir",
            str(data_dir),
            "--port",
            str(self.port),
            *([] if with_demo else ["--no-demo"]),
        ]
        self.process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env=clean_environment() | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []

    def wait_for_line(self, start, patience_seconds=PATIENCE_SECONDS):
        """Returns the first line that starts so; fails with all lines when it does not come."""
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            readable, _, _ = select.select([self.process.stdout], [], [], 1)
            line = self.process.stdout.readline() if readable else None
            if line == "":
                break
            if line:
                self.lines.append(line.rstrip("\n"))
                if line.startswith(start):
                    return self.lines[-1]
        raise AssertionError(f"no line {start!r} in {self.lines}")

    def stop(self, number=signal.SIGTERM):
        """Returns the exit code and the seconds it took."""
        before = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()
        return code, time.monotonic() - before


def clean_environment():
    mine = {
        "MARKETPLACE_DATA_DIR",
        "REDIS_URL",
        "PLAIN_STATIC",
        "ALLOWED_HOSTS",
        "STATEMENT_TIMEOUT_MS",
        "LOCK_TIMEOUT_MS",
    }
    return {name: value for name, value in os.environ.items() if name not in mine} | {"PLAIN_STATIC": "1"}


def processes_of(data_dir):
    """Everything that works for this directory: by environment, and by arguments for those that hide theirs."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and (
                process.environ().get(OWNER_VARIABLE) == str(data_dir) or str(data_dir) in " ".join(process.cmdline())
            ):
                found.append(process)
    return found


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.status, answer.read().decode()
