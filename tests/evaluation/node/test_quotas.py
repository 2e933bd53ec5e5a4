"""Bombs of processes and memory: each ends in a failure class with a sentence, and nothing of it is left."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from evaluation.node import quotas, supervision
from evaluation.node.errors import RunFailed
from evaluation.node.quotas import Cgroup, holder_of_tasks
from evaluation.node.sandbox import Confined, runtime, start
from evaluation.node.work import START
from tests.evaluation.node.confined import no_child_is_left, run

FEW = 40
# Each round doubles: 512 processes where nothing stops it, and no more, so that a wall that fails harms nobody.
FORK_BOMB = """
import os, sys, time
for _ in range(9):
    try:
        os.fork()
    except OSError:
        pass
if len(sys.argv) > 1:
    with open(sys.argv[1] + "/forked", "a") as stream:
        stream.write("x")
time.sleep(60)
"""
HOARD = """
import os, time
kept = []
for number in range(80):
    kept.append(os.memfd_create(str(number)))
    os.write(kept[-1], bytes(10_000_000))
time.sleep(60)
"""


def groups_left():
    found = [quotas._parent(controller) for controller in ("pids", "memory")]
    return [left for parent in found if parent for left in parent.glob(f"{quotas.PREFIX}-{os.getpid()}-*")]


@pytest.mark.parametrize("level", ["bubblewrap", "namespaces"])
def test_a_fork_bomb_is_ended_and_nothing_of_it_is_left(level, walls, tmp_path):
    assert level in walls

    with pytest.raises(RunFailed, match=r"more than \d+ processes") as failed:
        run(FORK_BOMB, tmp_path, level, processes=FEW)

    assert failed.value.reason == "sandbox_violation"
    assert no_child_is_left()
    assert groups_left() == []


def test_a_cgroup_refuses_the_bomb_before_anybody_looks(tmp_path, walls):
    if holder_of_tasks("bubblewrap", tmp_path) != "cgroup":
        assert "pids" not in Cgroup.make(tasks=9, memory_bytes=2**30).folders
        return

    with pytest.raises(RunFailed, match="more than"):
        run(FORK_BOMB, tmp_path, "bubblewrap", processes=FEW)

    assert len((tmp_path / "output" / "forked").read_text()) <= supervision.most_tasks(FEW)


def test_without_a_cgroup_the_watchdog_ends_the_bomb(tmp_path, walls, monkeypatch):
    monkeypatch.setattr(quotas, "ROOT", tmp_path)

    with pytest.raises(RunFailed, match="more than 40 processes") as failed:
        run(FORK_BOMB, tmp_path, "bubblewrap", processes=FEW)

    assert failed.value.reason == "sandbox_violation"
    assert no_child_is_left()


def test_the_kernel_counts_the_processes_of_a_user_and_root_is_told_that_it_is_not_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(quotas, "ROOT", tmp_path)
    inside, outside, _ = Path("/proc/self/uid_map").read_text().splitlines()[0].split()
    is_root = os.geteuid() == 0 and inside == outside == "0"

    assert holder_of_tasks("namespaces", tmp_path) == ("watchdog" if is_root else "rlimit")


def is_memory_held():
    group = Cgroup.make(tasks=9, memory_bytes=2**30)
    try:
        return group.holds_memory
    finally:
        group.close()


def test_memory_that_belongs_to_no_process_counts(tmp_path, walls):
    """Files in memory; without a cgroup only the machine's last spare memory would end it."""
    if not is_memory_held():
        with pytest.raises(RunFailed, match="took longer than"):
            run(HOARD, tmp_path, "bubblewrap", ram_bytes=0.2 * 2**30, wall_seconds=5)
        return

    with pytest.raises(RunFailed, match=r"more than the 0\.2 GB of memory") as failed:
        run(HOARD, tmp_path, "bubblewrap", ram_bytes=0.2 * 2**30)

    assert failed.value.reason == "does_not_fit"
    assert no_child_is_left()
    assert groups_left() == []


def test_without_a_cgroup_a_run_ends_before_it_takes_the_last_memory(tmp_path, walls, monkeypatch):
    monkeypatch.setattr(quotas, "ROOT", tmp_path)
    monkeypatch.setattr(supervision, "SPARE_BYTES", psutil.virtual_memory().total)

    with pytest.raises(RunFailed, match="nearly no memory") as failed:
        run("import time; time.sleep(60)", tmp_path, "bubblewrap")

    assert failed.value.reason == "does_not_fit"


FLOOD = "import sys, time\nfor n in range(%d): open(f'{sys.argv[1]}/{n}', 'wb').write(bytes(%d))\ntime.sleep(60)"
FOLDERS = "import os, sys, time\nfor n in range(%d): os.mkdir(f'{sys.argv[1]}/{n}')\ntime.sleep(60)"


@pytest.mark.parametrize("program", [FLOOD % (6, 2_000_000), FLOOD % (1100, 1), FOLDERS % 1100])
def test_a_run_that_floods_the_disk_is_ended(tmp_path, walls, program):
    with pytest.raises(RunFailed, match="filled the disk") as failed:
        run(program, tmp_path, "bubblewrap", disk_bytes=10_000_000)

    assert failed.value.reason == "bad_output"
    assert no_child_is_left()


@pytest.mark.parametrize("level", ["bubblewrap", "namespaces"])
def test_there_is_no_place_for_files_in_memory_without_a_bound(level, walls, tmp_path):
    program = (
        "import os, pathlib, sys\n"
        "mounts = [line.split() for line in open('/proc/self/mounts')]\n"
        "open_ended = [m[1] for m in mounts if m[2] == 'tmpfs' and m[3].startswith('rw') and 'size=' not in m[3]]\n"
        "pathlib.Path(sys.argv[1], 'found').write_text(' '.join(open_ended))\n"
    )

    run(program, tmp_path, level)

    assert (tmp_path / "output" / "found").read_text() == ""


def test_groups_of_a_node_that_was_killed_are_swept(tmp_path):
    parent = quotas._parent("pids")
    if parent is None:
        assert Cgroup.make(tasks=9, memory_bytes=2**30).folders.get("pids") is None
        return
    ended = subprocess.Popen(["true"])
    ended.wait()
    (parent / f"{quotas.PREFIX}-{ended.pid}-1").mkdir()

    Cgroup.make(tasks=9, memory_bytes=2**30).close()

    assert not (parent / f"{quotas.PREFIX}-{ended.pid}-1").exists()


@pytest.mark.parametrize("level", ["bubblewrap", "namespaces"])
def test_without_memory_the_system_ends_the_model_and_not_the_node(level, walls, tmp_path):
    package, output = tmp_path / "evaluation" / "runner", tmp_path / "output"
    package.mkdir(parents=True)
    output.mkdir()
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import resource, sys\n"
        "with open(sys.argv[1] + '/found', 'w') as stream:\n"
        "    print(open('/proc/self/oom_score_adj').read().strip(), file=stream)\n"
        "    print(*resource.getrlimit(resource.RLIMIT_NPROC), file=stream)"
    )
    command = [sys.executable, "-I", "-c", START, str(tmp_path), "1000000", "333", str(output)]

    with start(level, Confined(command, [*runtime(), tmp_path], [output]), stderr=2) as child:
        child.communicate(timeout=60)

    assert (output / "found").read_text().split() == ["1000", "333", "333"]
