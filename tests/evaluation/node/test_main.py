"""The node process: one run and out, an orderly end, and no framework or database on board."""

import signal
import subprocess
import sys
import time

import pytest

from evaluation.node.main import main
from tests.evaluation.node.hub import TOKEN


def test_once_does_one_run_and_ends(hub, run_of, small_model, tmp_path):
    run = hub.queue(run_of(small_model))

    code = main(hub=hub.url, token=TOKEN, data_dir=tmp_path, sandbox_min="none", device="cpu", once=True)

    assert code == 0
    assert run.state == "scoring"


def test_a_token_that_the_hub_refuses_ends_the_process_with_an_error(hub, tmp_path):
    assert main(hub=hub.url, token="forged", data_dir=tmp_path) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_waiting_node_ends_at_once_when_told_to(number, hub, tmp_path):
    program = (
        "from pathlib import Path; from evaluation.node.main import main\n"
        f"raise SystemExit(main(hub={hub.url!r}, token={TOKEN!r}, data_dir=Path({str(tmp_path)!r})))"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as child:
        until = time.monotonic() + 60
        while not hub.nodes:
            assert time.monotonic() < until
            time.sleep(0.05)
        asked = time.monotonic()
        child.send_signal(number)
        code = child.wait(timeout=30)

    assert code == 0
    assert time.monotonic() - asked < 10


def test_a_node_imports_neither_torch_nor_django():
    program = (
        "import sys; from evaluation.node import main, agent, hardware\n"
        "hardware.describe(); hardware.versions()\n"
        "print([name for name in ('torch', 'transformers', 'django', 'numpy') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
