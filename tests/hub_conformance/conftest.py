"""The real clients, each run in a process of its own with a fresh home, against a real gunicorn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

HF = Path(sys.executable).with_name("hf")


@dataclass
class HubClient:
    """Runs scripts and `hf` commands as one person, with or without Xet."""

    endpoint: str
    token: str
    home: Path
    with_xet: bool

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "DJANGO"))}
        own = {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(self.home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "DISABLE_SAFETENSORS_CONVERSION": "1",
            "PYTHONWARNINGS": "default",
        }
        if self.token:
            own["HF_TOKEN"] = self.token
        if not self.with_xet:
            own["HF_HUB_DISABLE_XET"] = "1"
        return {**kept, **own}

    def script(self, code: str, **values: object):
        """Run Python that calls `answer(value)`; `api` is an HfApi. Returns the JSON of the answer."""
        prelude = "import json, sys\nfrom huggingface_hub import HfApi\napi = HfApi()\n"
        prelude += "def answer(value): print('\\nANSWER ' + json.dumps(value, default=str))\n"
        prelude += "".join(f"{name} = {value!r}\n" for name, value in values.items())
        done = self._run([sys.executable, "-c", prelude + textwrap.dedent(code)])
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout.rpartition("ANSWER ")[2])

    def hf(self, *arguments: object, status: int = 0) -> str:
        """Run an `hf` command; returns what it printed."""
        done = self._run([str(HF), *map(str, arguments)])
        assert done.returncode == status, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=240, check=False, cwd=self.home
        )


@pytest.fixture(scope="session")
def people(hub) -> dict[str, str]:
    """Name → write token of people on the site of `gunicorn_server`."""
    tokens = hub.people("ann", "bob")
    hub.command("create_org", "acme", "--admin", "ann", "--full-name", "Acme Ltd")
    return tokens


@pytest.fixture(params=["xet", "plain"])
def with_xet(request) -> bool:
    return request.param == "xet"


@pytest.fixture
def ann(gunicorn_server, people, tmp_path, with_xet) -> HubClient:
    home = tmp_path / "ann"
    home.mkdir()
    return HubClient(gunicorn_server, people["ann"], home, with_xet)


@pytest.fixture
def plain_ann(gunicorn_server, people, tmp_path) -> HubClient:
    """For what does not depend on how bytes travel."""
    home = tmp_path / "ann"
    home.mkdir()
    return HubClient(gunicorn_server, people["ann"], home, with_xet=False)


@pytest.fixture
def bob(gunicorn_server, people, tmp_path) -> HubClient:
    home = tmp_path / "bob"
    home.mkdir()
    return HubClient(gunicorn_server, people["bob"], home, with_xet=True)


@pytest.fixture
def stranger(gunicorn_server, tmp_path) -> HubClient:
    home = tmp_path / "stranger"
    home.mkdir()
    return HubClient(gunicorn_server, "", home, with_xet=True)
