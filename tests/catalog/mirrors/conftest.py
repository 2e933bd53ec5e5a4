"""An upstream hub: another instance of this server, with one repo that tests may change."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalog.actions.mirroring import mirrors
from catalog.actions.mirroring.mirrors import Upstream
from catalog.models import SyncRun, User
from tests.factories import UserFactory

_numbers = itertools.count(1)


class Client:
    """The real client in one process of its own that serves all tests: importing it takes a second."""

    LOOP = """
import json, sys, traceback
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
for line in sys.stdin:
    try:
        answer = {"value": eval(json.loads(line))}
    except BaseException:
        answer = {"error": traceback.format_exc()}
    print("ANSWER " + json.dumps(answer), flush=True)
"""

    def __init__(self, endpoint: str, token: str, home: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "DJANGO"))}
        own = {"HF_ENDPOINT": endpoint, "HF_TOKEN": token, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
        quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.LOOP],
            env={**kept, **own, **quiet},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def value(self, expression: str) -> str:
        """Returns what the client answers to a Python expression."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(expression) + "\n")
        self._process.stdin.flush()
        line = next(line for line in self._process.stdout if line.startswith("ANSWER "))
        answer = json.loads(line.removeprefix("ANSWER "))
        assert "error" not in answer, answer["error"]
        return str(answer["value"])

    def close(self) -> None:
        with self._process:
            self._process.terminate()


@dataclass
class UpstreamRepo:
    """A repo on the other site, written with the real client."""

    endpoint: str
    name: str
    client: Client
    folder: Path

    def put(self, files: dict[str, bytes], *, message: str = "Change", delete: tuple[str, ...] = ()) -> str:
        """Commit these files there; returns the new commit id."""
        operations = []
        for number, (path, content) in enumerate(files.items()):
            local = self.folder / str(number)
            local.write_bytes(content)
            operations.append(f"CommitOperationAdd({path!r}, {str(local)!r})")
        operations += [f"CommitOperationDelete({path!r})" for path in delete]
        listed = ", ".join(operations)
        return self.client.value(f"HfApi().create_commit({self.name!r}, [{listed}], commit_message={message!r}).oid")

    def make_private(self) -> None:
        self.client.value(f"HfApi().update_repo_settings({self.name!r}, visibility='private')")


@pytest.fixture(scope="session")
def upstream_token(hub) -> str:
    return hub.people("upstream-owner")["upstream-owner"]


@pytest.fixture(scope="session")
def upstream_client(hub, upstream_token, tmp_path_factory) -> Iterator[Client]:
    client = Client(hub.url, upstream_token, tmp_path_factory.mktemp("hf"))
    yield client
    client.close()


@pytest.fixture
def upstream(hub, upstream_client, tmp_path) -> UpstreamRepo:
    """A new public model repo there."""
    repo = UpstreamRepo(hub.url, f"upstream-owner/source-{next(_numbers)}", upstream_client, tmp_path)
    upstream_client.value(f"str(HfApi().create_repo({repo.name!r}))")
    return repo


@pytest.fixture
def owner(db) -> User:
    return UserFactory()


@pytest.fixture
def mirrored(settings, owner) -> Callable[..., SyncRun]:
    """Sets up a mirror of an upstream repo; returns its first, queued sync."""

    def add(upstream: UpstreamRepo, *, endpoint: str = "", token: str = "", visibility: str = "public") -> SyncRun:
        settings.MIRROR_ALLOWED_HOSTS = ["127.0.0.1:*"]
        return mirrors.add_mirror(
            upstream=Upstream("huggingface", endpoint or upstream.endpoint, upstream.name, token=token),
            namespace=owner.namespace,
            name=f"copy-{next(_numbers)}",
            visibility=visibility,
            actor=owner,
        )

    return add
