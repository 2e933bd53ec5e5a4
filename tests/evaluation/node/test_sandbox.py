"""Walls and limits, tried with programs that mean harm."""

import os
import sys
import time

import psutil
import pytest

from evaluation.node import sandbox
from evaluation.node.errors import RunFailed, RunStopped
from evaluation.node.sandbox import LEVELS, Confined, gold_folders, leaks, strongest_level
from evaluation.node.supervision import Limits, supervise
from tests.evaluation.node.confined import no_child_is_left, run


def test_this_machine_has_walls_and_the_self_test_says_which(walls, tmp_path):
    level = strongest_level(tmp_path)

    assert level == next(level for level in LEVELS if level in walls)


def test_without_walls_the_probe_finds_everything_open(tmp_path):
    assert {"network", "secrets", "writing", "labels"} <= set(leaks("none", tmp_path))


def test_the_answers_of_built_in_benchmarks_are_among_the_masked_folders():
    names = [str(path) for path in gold_folders()]

    assert any(name.endswith("/django") for name in names)
    assert any(name.endswith("/sklearn/datasets/data") for name in names)
    assert any(name.endswith("/pydoc_data") for name in names)


ENVIRONMENT = "import os, json, pathlib, sys; pathlib.Path(sys.argv[1], 'env').write_text(json.dumps(dict(os.environ)))"


@pytest.mark.parametrize("level", LEVELS)
def test_the_environment_is_built_from_nothing(level, walls, tmp_path, monkeypatch):
    import json

    assert level in walls
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")

    run(ENVIRONMENT, tmp_path, level)

    found = json.loads((tmp_path / "output" / "env").read_text())
    assert set(found) - {"PWD", "LC_CTYPE"} == set(sandbox.ENVIRONMENT)


@pytest.mark.parametrize("level", ["bubblewrap", "namespaces"])
def test_behind_walls_there_is_no_privilege_and_no_other_process(level, walls, tmp_path):
    assert level in walls
    program = (
        "import os, pathlib, sys\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "facts = [status['CapEff'].strip(), status['NoNewPrivs'].strip(), str(len(os.listdir('/sys/class/net')))]\n"
        "processes = [name for name in os.listdir('/proc') if name.isdigit()]\n"
        "pathlib.Path(sys.argv[1], 'facts').write_text(' '.join([*facts[:2], str(len(processes))]))\n"
    ).replace(", str(len(os.listdir('/sys/class/net')))", "")

    run(program, tmp_path, level)

    capabilities, no_new_privileges, processes = (tmp_path / "output" / "facts").read_text().split()
    assert int(capabilities, 16) == 0
    assert no_new_privileges == "1"
    assert int(processes) <= 3


@pytest.mark.parametrize("level", LEVELS)
def test_a_sleeping_child_is_killed_at_the_limit_and_nothing_is_left(level, walls, tmp_path):
    assert level in walls
    started = time.monotonic()

    with pytest.raises(RunFailed, match="took longer than") as failed:
        run("import time; time.sleep(600)", tmp_path, level, wall_seconds=1.5)

    assert failed.value.reason == "timeout"
    assert time.monotonic() - started < 10
    assert no_child_is_left()


@pytest.mark.parametrize("level", LEVELS)
def test_a_child_that_ignores_term_and_has_children_of_its_own_is_killed_with_them(level, walls, tmp_path):
    assert level in walls
    program = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen([sys.executable, '-c', 'import os, time; os.setsid(); time.sleep(600)'])\n"
        "time.sleep(600)\n"
    )

    with pytest.raises(RunFailed, match="took longer than"):
        run(program, tmp_path, level, wall_seconds=2)

    assert no_child_is_left()


def test_a_child_without_progress_is_killed(tmp_path):
    program = (
        "import json, time\n"
        "for done in range(3):\n"
        "    print(json.dumps({'event': 'progress', 'phase': 'running', 'done': done, 'total': 9}), flush=True)\n"
        "    time.sleep(0.7)\n"
        "time.sleep(600)\n"
    )
    started = time.monotonic()

    with pytest.raises(RunFailed, match="no progress"):
        run(program, tmp_path, idle_seconds=1.2)

    assert time.monotonic() - started > 2  # three signs of life came first


def test_a_memory_bomb_is_killed_and_reported(tmp_path):
    program = "import time\nheap = []\nwhile True:\n    heap.append(bytearray(20_000_000)); time.sleep(0.02)\n"

    with pytest.raises(RunFailed, match=r"more than the 0\.3 GB of memory") as failed:
        run(program, tmp_path, ram_bytes=0.3 * 2**30)

    assert failed.value.reason == "does_not_fit"
    assert no_child_is_left()


def test_a_child_that_starts_too_many_processes_is_stopped(tmp_path):
    program = (
        "import os, time\n"
        "for _ in range(300):\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(60); os._exit(0)\n"
        "time.sleep(60)\n"
    )

    with pytest.raises(RunFailed, match="more than") as failed:
        run(program, tmp_path)

    assert failed.value.reason == "sandbox_violation"
    assert no_child_is_left()


def test_a_flood_of_output_and_lines_that_are_no_events_do_no_harm(tmp_path):
    program = (
        "import json, sys\n"
        "sys.stdout.write('x' * 3_000_000 + '\\n[1, 2]\\n' + '[' * 60_000 + '\\nnull\\n')\n"
        "print(json.dumps({'event': 'progress', 'phase': 'running', 'done': -5, 'total': '9'}))\n"
        "print(json.dumps({'event': 'progress', 'phase': 'running', 'done': 7, 'total': 9}))\n"
    )

    assert run(program, tmp_path) == [("running", 0, 0), ("running", 7, 9)]


def test_what_the_child_says_of_its_failure_is_told_and_an_invented_reason_is_not(tmp_path):
    program = "import json, sys; print(json.dumps({'event': 'failed', 'reason': sys.argv[0] and %r, 'message': 'why'}))"

    with pytest.raises(RunFailed, match="why") as known:
        run(program % "unsupported", tmp_path)
    with pytest.raises(RunFailed, match="why") as invented:
        run(program % "succeeded", tmp_path)

    assert (known.value.reason, invented.value.reason) == ("unsupported", "node_error")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise SystemExit(3)", "with code 3"),
        ("import os; os.kill(os.getpid(), 9)", "by signal SIGKILL"),
    ],
)
def test_a_child_that_ends_without_a_word_is_our_fault(program, said, tmp_path):
    with pytest.raises(RunFailed, match=said) as failed:
        run(program, tmp_path)

    assert failed.value.reason == "node_error"


def test_a_stop_ends_the_child_at_once(tmp_path):
    confined = Confined([sys.executable, "-c", "import time; time.sleep(600)"])
    started = time.monotonic()

    with pytest.raises(RunStopped):
        supervise(
            "none",
            confined,
            limits=Limits(wall_seconds=60),
            log=tmp_path / "log.txt",
            stopped=lambda: time.monotonic() - started > 0.5,
            progress=lambda *_: None,
        )

    assert time.monotonic() - started < 5
    assert no_child_is_left()


@pytest.mark.parametrize("level", LEVELS)
def test_a_child_dies_with_its_supervisor(level, walls, tmp_path):
    """The agent is killed without a chance to clean up."""
    import subprocess

    from evaluation.node.work import START

    assert level in walls
    package = tmp_path / "evaluation" / "runner"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    mark = f"sleeper-{os.getpid()}-{level}"
    (package / "__main__.py").write_text("import time; time.sleep(600)")
    program = (
        "import subprocess, sys, time\n"
        f"sys.path.insert(0, {str(sandbox.CODE)!r})\n"
        "from pathlib import Path\n"
        "from evaluation.node.sandbox import Confined, runtime, start\n"
        f"command = [sys.executable, '-I', '-c', {START!r}, {str(tmp_path)!r}, '1000000', '0', {mark!r}]\n"
        f"start({level!r}, Confined(command, [*runtime(), Path({str(tmp_path)!r})]), stderr=2)\n"
        "print('started', flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout.readline() == b"started\n"
        until = time.monotonic() + 20
        while not marked(mark) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.3)  # the last exec takes over what the parent's death means
        assert marked(mark)
        parent.kill()

    until = time.monotonic() + 10
    while marked(mark) and time.monotonic() < until:
        time.sleep(0.05)
    assert marked(mark) == []


def marked(mark):
    found = []
    for process in psutil.process_iter(["cmdline", "pid"]):
        command = process.info["cmdline"] or []
        if mark in command:
            found.append(process.info["pid"])
    return found
