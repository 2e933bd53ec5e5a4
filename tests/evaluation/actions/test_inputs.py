import hashlib
import json
from io import StringIO

import pytest
from django.core.management import call_command

from evaluation.actions import inputs, leases, nodes
from evaluation.models import Run
from tests.evaluation import arrangement

pytestmark = pytest.mark.django_db


def ids(path):
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


def test_two_runs_of_one_benchmark_share_no_item_name():
    first, second = arrangement.claimed(), arrangement.claimed()

    names = [ids(inputs.path_of(run, "inputs.jsonl")) for run in (first, second)]

    assert not set(names[0]) & set(names[1])
    assert first.inputs_digest == second.inputs_digest


def test_another_machine_makes_the_same_files():
    run = arrangement.claimed()
    before = {name: hashlib.sha256(inputs.path_of(run, name).read_bytes()).digest() for name in inputs.NAMES}

    inputs.forget(run.pk)

    assert {name: hashlib.sha256(inputs.path_of(run, name).read_bytes()).digest() for name in inputs.NAMES} == before


def test_gold_fits_the_inputs_and_lies_in_no_file():
    run = arrangement.claimed()

    gold = inputs.prepare(run).gold

    folder = inputs.path_of(run, "inputs.jsonl").parent
    assert {row["id"] for row in gold} == set(ids(folder / "inputs.jsonl"))
    assert {path.name for path in folder.iterdir()} == {"inputs.jsonl", "media.tar"}
    assert b"label" not in (folder / "inputs.jsonl").read_bytes()


def test_the_sweep_drops_inputs_that_no_node_needs():
    over, held = arrangement.claimed(), arrangement.claimed()
    folders = {run: inputs.path_of(run, "inputs.jsonl").parent for run in (over, held)}
    leases.fail_run(**arrangement.grant(over), reason="unsupported", message="no")

    inputs.sweep()

    assert not folders[over].exists()
    assert folders[held].exists()


def test_a_run_has_no_other_inputs():
    assert inputs.path_of(arrangement.claimed(), "gold.jsonl") is None


def test_the_command_prints_a_token_that_works():
    printed = StringIO()

    call_command("create_node", "gpu-1", "--queue", "eval.gpu.16g", stdout=printed)

    node = nodes.node_of_token(printed.getvalue().strip())
    assert (node.name, node.queues, node.is_embedded) == ("gpu-1", ["eval.gpu.16g"], False)
    assert not Run.objects.exists()
