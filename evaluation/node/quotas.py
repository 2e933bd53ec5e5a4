"""Hard limits on the tasks and the memory of a confined child, kept by the kernel: a cgroup, else RLIMIT_NPROC.

Where neither holds, the watchdog of `supervision` is all there is: it looks four times a second, and comes too late for
what happens in between. Each is tried at the start of a node and not assumed (`holder_of_tasks`).
"""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from evaluation.node.sandbox import PROBE_SECONDS, Confined, Level, runtime, start

Holder = Literal["cgroup", "rlimit", "watchdog"]  # strongest first

ROOT = Path("/sys/fs/cgroup")
PREFIX = "evaluation-run"
PROBED_TASKS = 20  # few, so that a wall that is not there costs a handful of processes
EMPTY_SECONDS = 5.0
KILL_PAUSE = 0.02
# Enters, then becomes the child, so that nothing of it ever ran outside. A shell, as Python takes 20 times longer.
ENTER = 'until [ "$1" = -- ]; do echo $$ > "$1/cgroup.procs" || exit 70; shift; done; shift; exec "$@"'
_numbers = itertools.count(1)


@dataclass
class Cgroup:
    """Groups of the kernel for one child, one per controller in version 1, one for all in version 2."""

    folders: dict[str, Path] = field(default_factory=dict)  # by controller

    @classmethod
    def make(cls, *, tasks: int, memory_bytes: int) -> "Cgroup":
        """With the limits that can be set here; perhaps none, then the group is empty and does nothing."""
        made = cls()
        name = f"{PREFIX}-{os.getpid()}-{next(_numbers)}"
        for controller, settings in _settings(tasks, memory_bytes).items():
            parent = _parent(controller)
            if parent is None:
                continue
            _sweep(parent)
            with contextlib.suppress(OSError):
                (parent / name).mkdir(exist_ok=True)
                if _set(parent / name, settings):
                    made.folders[controller] = parent / name
                elif parent / name not in made.folders.values():
                    (parent / name).rmdir()
        return made

    def entering(self, command: Sequence[str]) -> list[str]:
        """The command, inside these groups."""
        places = dict.fromkeys(map(str, self.folders.values()))
        return ["/bin/sh", "-c", ENTER, "sh", *places, "--", *command] if places else list(command)

    @property
    def holds_memory(self) -> bool:
        return "memory" in self.folders

    def refused_tasks(self) -> bool:
        """Whether the kernel has refused to start a process or thread more."""
        return self._count("pids", ("pids.events",), "max") > 0

    def killed_for_memory(self) -> bool:
        """Whether the kernel has ended a process because the memory of the group was full."""
        return self._count("memory", ("memory.events", "memory.oom_control"), "oom_kill") > 0

    def close(self) -> None:
        """Kills whatever is still inside, wherever it has hidden, and takes the groups away."""
        until = time.monotonic() + EMPTY_SECONDS
        for folder in set(self.folders.values()):
            while not _removed(folder) and time.monotonic() < until:
                for process in _inside(folder):
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(process, signal.SIGKILL)
                time.sleep(KILL_PAUSE)
        self.folders.clear()

    def _count(self, controller: str, names: tuple[str, ...], key: str) -> int:
        for name in names if controller in self.folders else ():
            with contextlib.suppress(OSError, ValueError):
                lines = (self.folders[controller] / name).read_text().splitlines()
                found = dict(line.split(" ", 1) for line in lines)
                if key in found:
                    return int(found[key])
        return 0


def holder_of_tasks(level: Level, folder: Path) -> Holder:
    """What limits the processes of a model behind the walls of `level` here; tried with a few, not assumed."""
    group = Cgroup.make(tasks=PROBED_TASKS, memory_bytes=2**40)
    try:
        if "pids" in group.folders and _is_bounded(_forks(level, folder, group, rlimit=0)):
            return "cgroup"
    finally:
        group.close()
    # Without a user namespace of its own the child would share the count with everything else of this user.
    if level != "none" and _is_bounded(_forks(level, folder, Cgroup(), rlimit=PROBED_TASKS)):
        return "rlimit"
    return "watchdog"


def _is_bounded(forks: int) -> bool:
    # Far below the limit other processes of this user are counted, too (Linux before 5.14): useless for a run.
    return PROBED_TASKS // 2 <= forks <= PROBED_TASKS


def _forks(level: Level, folder: Path, group: Cgroup, *, rlimit: int) -> int:
    """How many processes a program could start that tries twice as many as it may; 0 when it did not run."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        command = [sys.executable, "-I", "-B", "-c", FORKS, str(2 * PROBED_TASKS), str(rlimit)]
        confined = Confined(command, runtime(), [Path(made)])
        try:
            with start(level, confined, stderr=subprocess.DEVNULL, entering=group.entering) as child:
                said, _ = child.communicate(timeout=PROBE_SECONDS)
            return int(json.loads(said))
        except (OSError, ValueError, TypeError, subprocess.SubprocessError):
            return 0


def _settings(tasks: int, memory_bytes: int) -> dict[str, tuple[tuple[tuple[str, ...], int, bool], ...]]:
    """By controller: the files (version 2, version 1), the value, and whether the limit is worth nothing without."""
    return {
        "pids": ((("pids.max",), tasks, True),),
        "memory": (
            (("memory.max", "memory.limit_in_bytes"), memory_bytes, True),
            # Not there where the kernel counts no swap.
            (("memory.swap.max",), 0, False),
            (("memory.memsw.limit_in_bytes",), memory_bytes, False),
        ),
    }


def _set(folder: Path, settings: tuple[tuple[tuple[str, ...], int, bool], ...]) -> bool:
    for names, value, is_needed in settings:
        found = [folder / name for name in names if (folder / name).exists()]
        try:
            for path in found:
                path.write_text(str(value))
        except OSError:
            found = []
        if is_needed and not found:
            return False
    return True


def _parent(controller: str) -> Path | None:
    """The group of this process under a controller; None where there is none or it cannot have children."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            folder = ROOT / controllers / path.lstrip("/")
        elif not controllers and (ROOT / "cgroup.controllers").exists():
            folder = ROOT / path.lstrip("/")
        else:
            continue
        return folder if os.access(folder, os.W_OK) else None
    return None


def _sweep(parent: Path) -> None:
    """Removes empty groups of nodes that were killed."""
    for left in parent.glob(f"{PREFIX}-*"):
        owner = left.name.removeprefix(f"{PREFIX}-").split("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            _removed(left)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _inside(folder: Path) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(line) for line in (folder / "cgroup.procs").read_text().split()]
    return []


# Starts sleeping children until refused, says how many, and ends them. Imports nothing of ours.
FORKS = """
import json, os, resource, signal, sys, time
wanted, limit = int(sys.argv[1]), int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
children = []
try:
    for _ in range(wanted):
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        children.append(child)
except OSError:
    pass
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
print(json.dumps(len(children)))
"""
