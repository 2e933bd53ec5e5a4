"""Programs that mean harm, run as a node runs a model."""

import sys

import psutil

from evaluation.node.sandbox import Confined, runtime
from evaluation.node.supervision import Limits, supervise

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
    children = psutil.Process().children(recursive=True)
    return [c for c in children if c.pid not in STRANGERS and c.status() != psutil.STATUS_ZOMBIE] == []
