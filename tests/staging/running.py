"""Runs their suite in its own environment and reads what became of each test."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tests.staging import ledger, sdist

PATIENCE_SECONDS = 3600
LEFT_OUT = "ledger: "  # how `supplied.py` begins the reason
PYTEST = (
    *("-m", "pytest", "-q", "--tb", "short", "--timeout", "120"),
    # their own settings, but for the variables that name their server
    *("-o", "env=", "-o", "addopts=-Werror::FutureWarning --strict-markers"),
    *("-p", "no:cacheprovider", "--continue-on-collection-errors"),
)
IN_PARALLEL = ("-n2", "--dist=loadfile")
# Compares two lists of everything, while another test makes a repo: these run after the others, one by one.
ALONE = ("test_cli.py::TestJsonShorthand::test_json_flag_equivalent_to_format_json",)
LOG = sdist.PLACE / "pytest.log"


@dataclass(frozen=True)
class Result:
    """What became of one test. `outcome` is passed, failed or skipped; `reached` counts its requests to the hub."""

    test: str
    outcome: str
    reason: str
    seconds: float
    reached: int

    @property
    def module(self) -> str:
        return self.test.split("::")[0]

    @property
    def is_left_out(self) -> bool:
        return self.outcome == "skipped" and LEFT_OUT in self.reason

    @property
    def kind(self) -> str:
        """How the table counts it."""
        if self.is_left_out:
            return self.reason.partition(LEFT_OUT)[2]
        if self.outcome == "skipped":
            return "skips itself"
        return self.outcome if self.outcome == "failed" or self.reached else "passed without the hub"


def run(constants: dict[str, str], *, chosen: Sequence[str] = (), options: Sequence[str] = ()) -> list[Result]:
    """All tests, or those of `chosen` (`test_lfs.py`, `test_lfs.py::TestX`).

    Their CI runs those that move large files twice, and so do we: with Xet and without.
    """
    LOG.unlink(missing_ok=True)
    apart = [word for name in ALONE for word in ("--deselect", f"tests/{name}")]
    found = _run(constants, chosen, options if chosen else (*options, *apart))
    if not chosen:
        found += _run(constants, ALONE, (*options, "-n0"))
        plain = _run(constants, (), (*options, "-m", "transfer and not xet"), HF_HUB_DISABLE_XET="1")
        found += [replace(one, test=f"{one.test} without Xet") for one in plain if not one.is_left_out]
    return sorted(found, key=lambda one: one.test)


def _run(constants: dict[str, str], chosen: Sequence[str], options: Sequence[str], **environment: str) -> list[Result]:
    folder, interpreter = sdist.unpacked(), sdist.python()
    with tempfile.TemporaryDirectory(prefix="mm-client-") as home:
        report = Path(home) / "report"
        told = {"constants": constants, "ledger": ledger.starts(ledger.entries()), "report": str(report)}
        command = [str(interpreter), *PYTEST, *options, *[f"tests/{name}" for name in chosen or ["."]]]
        environment |= _environment(Path(home), interpreter, constants) | {"STAGING_TOLD": json.dumps(told)}
        with LOG.open("a") as log:
            subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                timeout=PATIENCE_SECONDS,
            )
        lines = report.read_text().splitlines() if report.exists() else []
    found = [Result(**json.loads(line)) for line in lines]
    if not found:
        raise RuntimeError(f"no test ran, see {LOG}: {LOG.read_text()[-2000:]}")
    return found


def as_json(results: Sequence[Result]) -> str:
    return json.dumps([asdict(one) for one in results], indent=1) + "\n"


def _environment(home: Path, interpreter: Path, constants: dict[str, str]) -> dict[str, str]:
    ours = ("HF_", "HUGGING", "DJANGO", "MARKETPLACE", "PYTHON", "PYTEST", "REDIS_URL", "DATABASE_URL", "SECRET")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "HF_ENDPOINT": constants["ENDPOINT_STAGING"],
        "HF_HOME": str(home / "hf"),
        "HOME": str(home),
        "HF_TOKEN": "",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "RUN_GIT_LFS_TESTS": "1",
        "PATH": f"{interpreter.parent}:{os.environ['PATH']}",
    }
