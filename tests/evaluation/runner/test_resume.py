"""A killed run goes on where it stopped and ends with the same bytes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.runner.outputs import PART, PartialResults
from tests.evaluation.runner import models
from tests.evaluation.runner.conftest import DEFINITIONS

ROOT = Path(__file__).resolve().parents[3]
START = (
    f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); "
    "runpy.run_module('evaluation.runner', run_name='__main__', alter_sys=True)"
)


def start(spec, output):
    command = [sys.executable, "-I", "-c", START, "--spec", str(spec), "--output", str(output)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"]})


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory):
    """Large enough that a run takes seconds."""
    return models.save_text_classifier(
        tmp_path_factory.mktemp("slow"),
        DEFINITIONS["langid"].label_names,
        hidden_size=128,
        intermediate_size=512,
        num_hidden_layers=4,
    )


def test_a_run_killed_half_way_and_resumed_gives_identical_results(bench, slow_model, inputs_of):
    spec = bench.spec("langid", slow_model, inputs_of("langid"))
    whole = bench.folder / "whole"
    with start(spec, whole) as child:
        child.communicate(timeout=280)
        assert child.returncode == 0

    killed = bench.folder / "killed"
    with start(spec, killed) as child:
        for line in child.stdout:
            event = json.loads(line)
            if event.get("phase") == "running" and event["done"] > 0:
                child.send_signal(signal.SIGKILL)
                break
    part = (killed / "run" / PART).read_bytes()
    assert 1 < part.count(b"\n") < 3281
    # A power cut may tear the last line.
    (killed / "run" / PART).write_bytes(part[:-20])
    with start(spec, killed) as child:
        child.communicate(timeout=280)
        assert child.returncode == 0

    facts = json.loads((killed / "run" / "measurements.json").read_text())
    assert 0 < facts["items_resumed"] < facts["items"] == 3281
    assert (killed / "run" / "predictions.jsonl").read_bytes() == (whole / "run" / "predictions.jsonl").read_bytes()


def test_results_of_another_run_are_not_taken_over(tmp_path):
    with PartialResults(tmp_path, "one") as first:
        first.append(["a"], [{"label": "x"}])

    with PartialResults(tmp_path, "one") as same:
        assert same.results == {"a": {"label": "x"}}
    with PartialResults(tmp_path, "two") as other:
        assert other.results == {}


def test_a_torn_or_foreign_line_ends_what_is_taken_over(tmp_path):
    with PartialResults(tmp_path, "one") as first:
        first.append(["a", "b"], [{"label": "x"}, {"label": "y"}])
    with (tmp_path / PART).open("ab") as stream:
        stream.write(b'{"id": "c", "lab')

    with PartialResults(tmp_path, "one") as again:
        again.append(["b", "c"], [{"label": "changed"}, {"label": "z"}])
    with PartialResults(tmp_path, "one") as third:
        assert third.results == {"a": {"label": "x"}, "b": {"label": "y"}, "c": {"label": "z"}}
