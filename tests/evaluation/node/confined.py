"""Programs that mean harm, run as a node runs a model."""

import contextlib
import sys
import time

import psutil

from evaluation.node.sandbox import Confined, runtime
from evaluation.node.supervision import Limits, supervise

PATIENCE_SECONDS = 10
STRANGERS = set()  # the servers of other tests are children of this process, too


def run(program, tmp_path, level="none", **limits):
    """Supervises a Python program; it may write into `output`."""
    output = tmp_path / "output"
    output.mkdir(exist_ok=True)
    confined = Confined([sys.executable, "-I", "-B", "-c", program, str(output)], runtime(), [output])
    seen = []
    supervise(
        level,
        confined,
        limits=Limits(**({"wall_seconds": 30, "grace_seconds": 1} | limits)),
        log=tmp_path / "log.txt",
        stopped=lambda: False,
        progress=lambda *facts: seen.append(facts),
    )
    return seen


def note_strangers():
    STRANGERS.clear()
    STRANGERS.update(child.pid for child in psutil.Process().children(recursive=True))


def no_child_is_left():
    """Soon: the kernel ends the processes of a namespace one after the other, once the first of them is dead."""
    until = time.monotonic() + PATIENCE_SECONDS
    while _left() and time.monotonic() < until:
        time.sleep(0.05)
    return _left() == []


def _left():
    """Children of ours that are not dead, without the servers of other tests and what those start meanwhile."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            family = {child.pid, *(parent.pid for parent in child.parents())}
            if not family & STRANGERS and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found
