"""The real `git` and `git-lfs`, each with a home of its own, against a real gunicorn."""

from __future__ import annotations

import itertools
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

_numbers = itertools.count()


@dataclass
class Git:
    """Runs git as one person; the token travels as the password of the address."""

    endpoint: str
    token: str
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Ann",
            "GIT_AUTHOR_EMAIL": "ann@example.org",
            "GIT_COMMITTER_NAME": "Ann",
            "GIT_COMMITTER_EMAIL": "ann@example.org",
            "LC_ALL": "C",
        }

    def address(self, repo: str) -> str:
        """`ann/x`, `datasets/ann/x` → a clone address with this person's token, if they have one."""
        scheme, _, host = self.endpoint.partition("://")
        return f"{scheme}://{f'user:{self.token}@' if self.token else ''}{host}/{repo}"

    def try_(self, *arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        command = ["git", "-c", "init.defaultBranch=main", "-c", "protocol.version=2", *map(str, arguments)]
        return subprocess.run(
            command,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            cwd=cwd or self.home,
        )

    def __call__(self, *arguments: object, cwd: Path | None = None, **environment: str) -> str:
        """Runs git; returns what it printed."""
        done = self.try_(*arguments, cwd=cwd, **environment)
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def clone(self, repo: str, *options: str, into: str = "clone") -> Path:
        """Clones, and checks every object and every link between them."""
        folder = self.home / into
        self("clone", *options, self.address(repo), folder)
        assert not self("fsck", "--full", "--strict", "--no-dangling", cwd=folder)
        return folder


@pytest.fixture(scope="session")
def people(hub) -> dict[str, str]:
    """Name → write token of people on the site of `gunicorn_server`; `reader` has one of ann's that only reads."""
    tokens = hub.people("gitann", "gitbob")
    return tokens | {"reader": hub.command("create_token", "gitann", "--role", "read").strip()}


@pytest.fixture
def person(gunicorn_server, people, tmp_path):
    """Returns git for somebody by name; "" is a stranger."""

    def made(name: str) -> Git:
        home = tmp_path / (name or "stranger")
        home.mkdir(exist_ok=True)
        return Git(gunicorn_server, people[name] if name else "", home)

    return made


@pytest.fixture
def ann(person) -> Git:
    return person("gitann")


@pytest.fixture
def api(gunicorn_server, people):
    """The hub's own API as ann."""
    headers = {"Authorization": f"Bearer {people['gitann']}"}
    with httpx.Client(base_url=gunicorn_server, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def new_repo(api):
    """Returns `gitann/{name}` (`datasets/gitann/{name}`) after creating it."""

    def create(kind: str = "model", **fields: object) -> str:
        name = f"repo-{next(_numbers)}"
        answer = api.post("/api/repos/create", json={"type": kind, "name": name, **fields})
        assert answer.status_code == 200, answer.text
        return f"gitann/{name}" if kind == "model" else f"{kind}s/gitann/{name}"

    return create
