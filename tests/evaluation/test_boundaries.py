"""What must hold of the whole app: no torch on the trusted side, no job without a task, no secret on a node."""

import os
import subprocess
import sys

import pytest
from celery import current_app

from evaluation import jobs, tasks

PROBE = """
import sys
import {module}
heavy = [name for name in ("torch", "transformers", "tokenizers", "scipy") if name in sys.modules]
assert not heavy, heavy
"""


@pytest.mark.parametrize("module", ["marketplace.wsgi", "evaluation.tasks", "evaluation.node"])
def test_neither_web_nor_scoring_nor_agent_starts_with_a_heavy_library(module):
    setup = "" if module in {"marketplace.wsgi", "evaluation.node"} else "import django; django.setup()"
    probe = f"{setup}\n{PROBE.format(module=module)}"
    if module == "marketplace.wsgi":
        probe += "\nimport marketplace.urls"

    done = subprocess.run(
        [sys.executable, "-c", probe],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "marketplace.settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_every_job_has_its_task():
    assert tasks.score_run.name == jobs.SCORE_RUN
    assert set(jobs.TASK_NAMES) <= set(current_app.tasks)


def test_scoring_ends_before_its_lease():
    from evaluation.actions.leases import SCORING_LEASE

    assert tasks.score_run.time_limit < SCORING_LEASE.total_seconds()
    assert not tasks.score_run.acks_late
