"""Child processes that never outlive us: own process group, parent-death signal, pid files, leftovers stopped."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from marketplace import data_dir as places
from marketplace.embedded.account import Account, popen_arguments

OWNER_VARIABLE = "MARKETPLACE_UP"  # in the environment of every child: the data directory it works for
PR_SET_PDEATHSIG = 1
CREATE_TIME_TOLERANCE_SECONDS = 1.0
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass
class Child:
    """A running process that leads its own group."""

    name: str
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals
    pid_file: Path

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.is_running:
            self.process.send_signal(self.stop_signal)

    def stop(self, *, timeout_seconds: float) -> None:
        """Ask, wait, then end the whole group; afterwards nothing of it runs."""
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout_seconds)
        _kill_group(self.process.pid)
        self.process.wait()
        self.pid_file.unlink(missing_ok=True)


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    data_dir: Path,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    stdin: bytes = b"",
    cwd: Path | None = None,
    on_terminal: bool = False,
) -> Child:
    """Start `command` in the background, its output in `logs/NAME.log`.

    Args:
        account: whom to run as; our own account when absent.
        stop_signal: the polite way to end it; also sent by the kernel when we are killed.
        stdin: all it can read there, such as a configuration with a password.
        on_terminal: its output goes where ours goes.
    """
    log_file = data_dir / "logs" / f"{name}.log"
    log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=None if on_terminal else log,
            stderr=None if on_terminal else log,
            cwd=cwd or "/",
            env={**(os.environ if environment is None else environment), OWNER_VARIABLE: str(data_dir)},
            start_new_session=True,
            preexec_fn=_die_with(os.getpid(), stop_signal),  # noqa: PLW1509  we have one thread
            **popen_arguments(account),
        )
    if stdin and process.stdin:
        process.stdin.write(stdin)
        process.stdin.close()
    pid_file = places.run_dir(data_dir) / f"{name}.pid"
    pid_file.write_text(f"{process.pid} {psutil.Process(process.pid).create_time()} {int(stop_signal)}\n")
    return Child(name, process, stop_signal, pid_file)


def _die_with(parent: int, stop_signal: signal.Signals) -> Callable[[], None]:
    def in_the_child() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return in_the_child


def stop_leftovers(data_dir: Path, *, timeout_seconds: float = 15) -> int:
    """End what an earlier, killed start left behind in this data directory; returns how many processes."""
    leftovers = {process.pid: process for process in [*_by_pid_file(data_dir), *_by_owner(data_dir)]}
    for process in leftovers.values():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(_stop_signal(data_dir, process))
    _, stubborn = psutil.wait_procs(list(leftovers.values()), timeout=timeout_seconds)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=timeout_seconds)
    for pid_file in places.run_dir(data_dir).glob("*.pid"):
        pid_file.unlink(missing_ok=True)
    return len(leftovers)


def _by_pid_file(data_dir: Path) -> Iterator[psutil.Process]:
    for pid_file in places.run_dir(data_dir).glob("*.pid"):
        with contextlib.suppress(psutil.NoSuchProcess, ValueError, IndexError):
            pid, created = pid_file.read_text().split()[:2]
            process = psutil.Process(int(pid))
            # Pids are used again: only the same birth is the same process.
            if abs(process.create_time() - float(created)) < CREATE_TIME_TOLERANCE_SECONDS:
                yield process


def _by_owner(data_dir: Path) -> Iterator[psutil.Process]:
    """Grandchildren have no pid file, but inherit the environment."""
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in ours and process.environ().get(OWNER_VARIABLE) == str(data_dir):
                yield process


def _stop_signal(data_dir: Path, process: psutil.Process) -> int:
    for pid_file in places.run_dir(data_dir).glob("*.pid"):
        with contextlib.suppress(ValueError):
            pid, _, stop_signal = pid_file.read_text().split()
            if int(pid) == process.pid:
                return int(stop_signal)
    return int(signal.SIGTERM)


def _kill_group(leader: int) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.killpg(leader, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.02)
