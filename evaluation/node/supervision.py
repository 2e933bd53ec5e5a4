"""One confined child from start to end: its events, its limits, and that nothing of it is left."""

import contextlib
import json
import math
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from evaluation.node.errors import REASONS, RunFailed, RunStopped
from evaluation.node.quotas import Cgroup
from evaluation.node.sandbox import Confined, Level, start
from evaluation.runner.failures import EXIT_CODES

GRACE_SECONDS = 15.0  # between TERM and KILL
LOOK_SECONDS = 0.25
LONGEST_LINE = 64 * 1024
MOST_PROCESSES = 256
THREADS_PER_CORE = 16  # libraries for numbers start several pools of one thread per core
MOST_FILES = 1000
LONGEST_MESSAGE = 2000
GIGABYTE = 2**30
SPARE_BYTES = 256 * 2**20  # of the machine's memory: less, and the kernel would soon end somebody
# The system's own way out of a lack of memory, and how bubblewrap and unshare pass it on.
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


@dataclass(frozen=True)
class Limits:
    """What one child may use."""

    wall_seconds: float
    idle_seconds: float = 600.0  # without a progress line
    ram_bytes: float = 32 * GIGABYTE
    grace_seconds: float = GRACE_SECONDS
    processes: int = MOST_PROCESSES
    disk_bytes: float = math.inf  # of all files together, in each folder where it may write

    @property
    def tasks(self) -> int:
        """Processes and threads together: what the kernel counts."""
        return most_tasks(self.processes)


def most_tasks(processes: int = MOST_PROCESSES) -> int:
    return processes + THREADS_PER_CORE * (os.cpu_count() or 1)


def supervise(
    level: Level,
    confined: Confined,
    *,
    limits: Limits,
    log: Path,
    stopped: Callable[[], bool],
    progress: Callable[[str, int, int], None],
    turn: Callable[[dict[str, Any]], Limits | None] | None = None,
) -> None:
    """Runs the child until it ends or has to; afterwards no process of it is left.

    Args:
        log: receives its standard error.
        stopped: asked four times a second; True ends it.
        progress: told phase, done and total.
        turn: for a child with several runs: told when one has begun, is finished or has failed, so that its failures
            are not the child's. The limits it answers with hold from then on; the clock starts anew.

    Raises:
        RunFailed: as the child says, or timeout, does_not_fit, sandbox_violation, node_error.
        RunStopped
    """
    group = Cgroup.make(tasks=limits.tasks, memory_bytes=int(limits.ram_bytes))
    try:
        with log.open("wb") as stream:
            child = start(level, confined, stderr=stream.fileno(), entering=group.entering)
        watched = _Watched(child, limits, group, confined.writable, turn)
        try:
            failure = watched.follow(stopped, progress)
        except RunFailed as error:
            # What floods the machine gets no time to clean up.
            watched.grace = watched.grace if error.reason == "timeout" else 0.0
            raise
        finally:
            watched.end()
        if failure is not None:
            raise failure
        # Of several runs each has said for itself how it failed; the code repeats the first.
        if child.returncode != 0 and (turn is None or child.returncode not in EXIT_CODES.values()):
            watched.check_group()
            raise RunFailed("node_error", f"The runner ended {_how(child.returncode)} without saying why.")
    finally:
        group.close()


class _Watched:
    """A running child."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        limits: Limits,
        group: Cgroup,
        writable: Iterable[Path],
        turn: Callable[[dict[str, Any]], Limits | None] | None,
    ) -> None:
        self.child, self.limits, self.group, self.writable, self.turn = child, limits, group, list(writable), turn
        self.grace = limits.grace_seconds
        self.started = self.heard = time.monotonic()
        self.lines: queue.Queue[bytes | None] = queue.Queue(maxsize=1000)
        assert child.stdout is not None
        self.reader = threading.Thread(target=_read, args=(child.stdout, self.lines), daemon=True)
        self.reader.start()

    def follow(self, stopped: Callable[[], bool], progress: Callable[[str, int, int], None]) -> RunFailed | None:
        """Hears the child out; what it said of its failure, if it failed."""
        failure: RunFailed | None = None
        while True:
            if stopped():
                raise RunStopped("The run was stopped.")
            self._check_limits()
            try:
                line = self.lines.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                continue
            if line is None:
                # Its output is closed; it has to end now, or it is hiding.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.child.wait(timeout=self.limits.grace_seconds)
                return failure
            event = _event(line)
            if event.get("event") == "progress":
                self.heard = time.monotonic()
                progress(str(event.get("phase")), _count(event.get("done")), _count(event.get("total")))
            elif self.turn is not None:
                self._take_turn(self.turn(event))
            elif event.get("event") == "failed":
                failure = failure or failure_of(event)

    def _take_turn(self, limits: Limits | None) -> None:
        if limits is not None:
            self.limits = limits
            self.started = self.heard = time.monotonic()

    def _check_limits(self) -> None:
        now = time.monotonic()
        if now - self.started > self.limits.wall_seconds:
            raise RunFailed(
                "timeout", f"The run took longer than the {self.limits.wall_seconds / 60:g} minutes allowed."
            )
        if now - self.heard > self.limits.idle_seconds:
            raise RunFailed("timeout", f"The run made no progress for {self.limits.idle_seconds / 60:g} minutes.")
        family = self._family()
        if len(family) > self.limits.processes:
            raise RunFailed("sandbox_violation", f"The run started more than {self.limits.processes} processes.")
        if sum(_memory(process) for process in family) > self.limits.ram_bytes:
            raise _too_much_memory(self.limits)
        self.check_group()
        if not all(_is_written_within(folder, self.limits.disk_bytes) for folder in self.writable):
            raise RunFailed("bad_output", "The run filled the disk with more than its results may take.")
        # Files in memory belong to no process; only a cgroup counts them.
        if not self.group.holds_memory and psutil.virtual_memory().available < SPARE_BYTES:
            raise RunFailed("does_not_fit", "The run was ended as it left the machine nearly no memory.")

    def check_group(self) -> None:
        """What the kernel has refused or ended. Raises RunFailed."""
        if self.group.refused_tasks():
            raise RunFailed(
                "sandbox_violation", f"The run wanted more than {self.limits.tasks} processes and threads at once."
            )
        if self.group.killed_for_memory():
            raise _too_much_memory(self.limits)

    def end(self) -> None:
        """Ends what still runs: TERM to the group, KILL after the grace time, and a look for what escaped."""
        family = self._family()
        if self.grace and self.child.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(timeout=self.grace)
        self._signal(signal.SIGKILL)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.child.wait()
        psutil.wait_procs(family, timeout=5)
        self.reader.join(timeout=5)
        if self.child.stdout is not None:
            self.child.stdout.close()

    def _family(self) -> list[psutil.Process]:
        try:
            own = psutil.Process(self.child.pid)
            return [own, *own.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, number)


def _read(stream: IO[bytes], lines: "queue.Queue[bytes | None]") -> None:
    """Lines of the child, each of bounded length; None at the end."""
    with contextlib.suppress(OSError, ValueError):
        while line := stream.readline(LONGEST_LINE):
            # A flood is dropped, the supervisor stays in charge.
            with contextlib.suppress(queue.Full):
                lines.put(line, timeout=1)
    lines.put(None)


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def failure_of(event: dict[str, Any]) -> RunFailed:
    """What the child says of a failure."""
    reason = str(event.get("reason"))
    return RunFailed(reason if reason in REASONS else "node_error", str(event.get("message"))[:LONGEST_MESSAGE])


def _count(value: object) -> int:
    return min(value, 10**12) if type(value) is int and value >= 0 else 0


def _is_written_within(folder: Path, most_bytes: float) -> bool:
    """Whether the files below are no more and no larger than allowed; links are not followed."""
    used = files = 0
    for root, _, names in os.walk(folder):
        files += 1  # a folder is one, too
        for name in names:
            with contextlib.suppress(OSError):
                used += (Path(root) / name).lstat().st_blocks * 512
            files += 1
            if used > most_bytes or files > MOST_FILES:
                return False
    return files <= MOST_FILES


def _memory(process: psutil.Process) -> int:
    try:
        memory: int = process.memory_info().rss
    except psutil.Error:
        return 0
    return memory


def _too_much_memory(limits: Limits) -> RunFailed:
    return RunFailed(
        "does_not_fit", f"The run used more than the {limits.ram_bytes / GIGABYTE:g} GB of memory allowed."
    )


def _how(code: int) -> str:
    if code in KILLED:
        return "by signal SIGKILL (as when the machine has no memory left)"
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
