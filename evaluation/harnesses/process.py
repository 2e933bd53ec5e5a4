"""A harness in a process of its own: without secrets, network or threads to spare, and not for ever."""

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from evaluation.benchmarks.corpora import DataUnavailable

PACKAGES = Path(sys.prefix) / "harness"  # `make harness`: packages that only these processes import
SECONDS = 200.0  # less than a scoring task may take


class HarnessFailed(RuntimeError):
    """The harness ended without an answer: our fault or its own, never the model's."""


def version_of(name: str) -> str:
    """Of a package of the harnesses. Raises DataUnavailable: it is not installed."""
    found = next(iter(distributions(name=name, path=[str(PACKAGES)])), None)
    if found is None:
        raise DataUnavailable("The harness of this benchmark is not installed here (make harness).")
    return found.version


def run(script: Path, job: dict[str, Any]) -> dict[str, Any]:
    """What the script makes of a job; both are JSON objects.

    Raises:
        DataUnavailable: the harness is not installed.
        HarnessFailed: with the end of what it said.
    """
    if not PACKAGES.is_dir():
        raise DataUnavailable("The harness of this benchmark is not installed here (make harness).")
    with tempfile.TemporaryDirectory(prefix="harness-") as folder:
        asked, answer = Path(folder) / "job.json", Path(folder) / "answer.json"
        asked.write_text(json.dumps(job), encoding="utf-8")
        # -P: what lies beside the script is ours and must not be taken for the harness.
        command = [sys.executable, "-P", "-B", str(script), str(asked), str(answer)]
        try:
            done = subprocess.run(
                command,
                env=_environment(folder),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise HarnessFailed(f"{script.stem} did not end within {SECONDS:g} seconds.") from error
        if done.returncode or not answer.is_file():
            raise HarnessFailed(f"{script.stem} ended with {done.returncode}: {done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found


def _environment(folder: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": folder,
        "TMPDIR": folder,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(PACKAGES),
        "HF_HOME": folder,
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": "1",
        "DISABLE_MULTIPROC": "1",  # lm_eval's bootstrap would start a pool of processes
    }
