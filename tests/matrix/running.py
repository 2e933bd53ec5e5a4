"""Runs the scripts of one client in its own environment and collects their records."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.matrix.clients import Client
from tests.matrix.scripts import SCRIPTS
from tests.matrix.site import Site
from tests.matrix.venvs import python_of

MARK = "MATRIX RECORD "
SCRIPT_PATIENCE_SECONDS = 900


@dataclass(frozen=True)
class Record:
    """What one client did with one feature; `result` is pass, fail or not offered (by this client), with a reason."""

    client: str
    version: str
    feature: str
    result: str
    reason: str
    seconds: float


def run_client(client: Client, *, site: Site, prefix: str, feature: str = "") -> list[Record]:
    """Every feature of this client's scripts, or those whose name contains `feature`; each script has a fresh home."""
    records, other = [], f"bob-{prefix}"
    tokens = site.tokens_with(other)
    for script in client.scripts:
        with tempfile.TemporaryDirectory(prefix="mm-client-") as home:
            environment = _environment(client, Path(home), site.url, tokens, f"{prefix}{script[0]}")
            records += _run_script(
                client, script, Path(home), environment | {"MATRIX_FEATURE": feature, "MATRIX_OTHER": other}
            )
    return records


def as_json(records: list[Record]) -> str:
    return json.dumps([asdict(record) for record in records], indent=1)


def _run_script(client: Client, script: str, home: Path, environment: dict[str, str]) -> list[Record]:
    command = [str(python_of(client)), str(SCRIPTS / f"{script}.py")]
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
            timeout=SCRIPT_PATIENCE_SECONDS,
        )
        output, problem = done.stdout, done.stderr if done.returncode else ""
    except subprocess.TimeoutExpired as late:
        output, problem = (late.stdout or b"").decode(), f"longer than {SCRIPT_PATIENCE_SECONDS} s"
    found = [json.loads(line[len(MARK) :]) for line in output.splitlines() if line.startswith(MARK)]
    if problem:
        reason = problem.strip()[-600:]
        found.append({"feature": f"{script}.py runs to its end", "result": "fail", "reason": reason, "seconds": 0})
    return [Record(client=client.name, version=client.version, **record) for record in found]


def _environment(client: Client, home: Path, url: str, tokens: dict[str, str], prefix: str) -> dict[str, str]:
    ours = ("HF_", "DJANGO", "MARKETPLACE", "PYTHON", "REDIS_URL", "DATABASE_URL", "SECRET")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    python = python_of(client)
    own = {
        "HF_ENDPOINT": url,
        "HF_HOME": str(home / "hf"),
        "HOME": str(home),
        "HF_TOKEN": tokens["ann"],
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "DISABLE_SAFETENSORS_CONVERSION": "1",
        "MATRIX_TOKENS": json.dumps(tokens),
        "MATRIX_PREFIX": prefix,
        "MATRIX_HF": str(python.with_name("hf")),
        "PATH": f"{python.parent}:{os.environ['PATH']}",
    }
    return kept | own | dict(client.environment)
