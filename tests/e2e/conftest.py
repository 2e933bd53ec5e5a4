"""One whole site started by `manage.py up`, and clients as people use them: processes with a home of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.processes import ROOT
from tests.up import Up, clean_environment

PATIENCE_SECONDS = 240  # for one run or sync, on a loaded machine


@dataclass
class Site:
    """A running `up` and the people on it."""

    up: Up
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.up.port}"

    def command(self, *arguments: str) -> str:
        """A manage command, as an operator runs it beside the running site."""
        environment = clean_environment() | {"MARKETPLACE_DATA_DIR": str(self.up.data_dir)}
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def api(self, method: str, path: str, *, person: str = "", json: object = None, status: int = 200):
        """One call of the REST API; returns its JSON."""
        headers = {"Authorization": f"Bearer {self.tokens[person]}"} if person else {}
        answer = httpx.request(method, f"{self.url}/api/v1/{path}", json=json, headers=headers, timeout=30)
        assert answer.status_code == status, answer.text
        return answer.json()

    def wait(self, path: str, *, person: str, until: set[str]):
        """Polls until `state` is one of these; returns the last answer."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = self.api("GET", path, person=person)
            if found["state"] in until:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.5)

    def run(self, model: str, benchmark: str, *, person: str, status: int = 201):
        """Asks for an evaluation and waits for its end."""
        asked = self.api("POST", f"models/{model}/runs", person=person, json={"benchmark": benchmark}, status=status)
        return self.wait(f"runs/{asked['id']}", person=person, until={"succeeded", "failed", "cancelled"})


@dataclass
class Client:
    """Somebody's machine: the tools they installed and an empty cache."""

    url: str
    token: str
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "DJANGO", "PYTEST"))}
        own = {"HF_ENDPOINT": self.url, "HF_HOME": str(self.home / "hf"), "HF_HUB_DISABLE_TELEMETRY": "1"}
        quiet = {"HF_HUB_DISABLE_UPDATE_CHECK": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        own["PYTHONPATH"] = str(ROOT)  # the benchmarks' data, for those who check a score
        return {**kept, **own, **quiet, **({"HF_TOKEN": self.token} if self.token else {})}

    def hf(self, *arguments: str) -> str:
        return self._run([str(Path(sys.executable).with_name("hf")), *arguments])

    def python(self, code: str, *arguments: str) -> str:
        return self._run([sys.executable, "-c", code, *arguments])

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, env=self.environment, cwd=self.home, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """Ann administers the team acme; Bob is on his own."""
    with tempfile.TemporaryDirectory(prefix="mm-e2e-", ignore_cleanup_errors=True) as folder:
        up = Up(Path(folder).resolve(), MIRROR_ALLOWED_HOSTS="127.0.0.1:*", AUTO_EVALUATE_DELAY_SECONDS="3600")
        try:
            up.wait_for_line("ready ")
            found = Site(up)
            for name in ("ann", "bob"):
                found.command("create_user", name, "--full-name", name.title())
                found.tokens[name] = found.command("create_token", name, "--role", "write")
            found.command("create_org", "acme", "--admin", "ann", "--full-name", "Acme Research")
            yield found
        finally:
            if up.process.poll() is None:
                up.stop()


@pytest.fixture
def client(tmp_path: Path):
    """Makes machines: `client(url, token)`."""

    def make(url: str, token: str = "") -> Client:
        home = tmp_path / f"home-{len(list(tmp_path.iterdir()))}"
        home.mkdir()
        return Client(url, token, home)

    return make


@pytest.fixture(scope="session")
def digits_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small image classifier, really trained, by the demo's seeded script; with a Polish card."""
    folder = tmp_path_factory.mktemp("digits")
    code = (
        "import sys, pathlib, torch; torch.set_num_threads(1)\n"
        "from marketplace.demo import training\n"
        "training.train_digits(training.DIGIT_RECIPES[0], training.digits_train(), pathlib.Path(sys.argv[1]))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (folder / "training.json").unlink()
    (folder / "README.md").write_text(
        "---\nlicense: mit\npipeline_tag: image-classification\nlibrary_name: transformers\nlanguage: pl\n---\n"
        "# Rozpoznawanie cyfr\n\nŹdźbło trawy i mała cyfra. 手寫數字\n"
    )
    return folder
