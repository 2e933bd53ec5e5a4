"""The short form of `make soak`: enough to notice that something was broken."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import ROOT


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nothing_acknowledged_is_lost_by_crashes_collection_or_races():
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "--seconds", "60", "--injections", "50"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("lost=0") == 3
