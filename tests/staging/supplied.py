"""Becomes `tests/conftest.py` beside their test files: the fixtures their distribution lacks, and our bookkeeping.

Runs in the environment of `tests.staging.sdist`, without Django and without this repository.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
import warnings
from pathlib import Path
from typing import Any, Protocol

# Workers of xdist must not share a home; the client reads this when it is imported.
os.environ["HF_HOME"] = str(Path(os.environ["HF_HOME"]) / os.environ.get("PYTEST_XDIST_WORKER", "alone"))

import httpx2
import pytest
from huggingface_hub import HfApi, RepoUrl, constants
from huggingface_hub.utils import _detect_agent

from . import testing_constants

TOLD = json.loads(os.environ["STAGING_TOLD"])  # what tests.staging.running says: constants, ledger, where to report
for _name, _value in TOLD["constants"].items():
    assert hasattr(testing_constants, _name), f"{_name} is none of their constants"
    setattr(testing_constants, _name, _value)

_OURS = httpx2.URL(testing_constants.ENDPOINT_STAGING)
_reached: list[str] = []  # paths that the running test asked of the hub


class RepoFactory(Protocol):
    """Creates a repo that is deleted after the test."""

    def __call__(self, repo_type: str = "model", *, repo_id: str = "", **options: Any) -> RepoUrl: ...


@pytest.fixture(scope="session")
def api() -> HfApi:
    return HfApi(endpoint=testing_constants.ENDPOINT_STAGING, token=testing_constants.TOKEN)


@pytest.fixture(scope="session")
def api_prod() -> HfApi:
    return HfApi(endpoint=testing_constants.ENDPOINT_PRODUCTION, token=False)


@pytest.fixture
def repo_factory(api: HfApi):
    made: list[tuple[RepoUrl, str | None]] = []

    def create(repo_type: str = "model", *, repo_id: str = "", **options: Any) -> RepoUrl:
        name = repo_id or f"repo-{uuid.uuid4().hex[:6]}-{int(time.time() * 1e4)}"
        url = api.create_repo(name, repo_type=repo_type, **options)
        made.append((url, options.get("token")))
        return url

    yield create
    for url, token in made:
        api.delete_repo(url.repo_id, repo_type=url.repo_type, token=token, missing_ok=True)


@pytest.fixture
def new_repo_id(api: HfApi):
    """An id that no repo has yet; the repo that the test makes there is deleted."""
    repo_id = f"{testing_constants.USER}/new-{uuid.uuid4().hex[:6]}"
    yield repo_id
    api.delete_repo(repo_id, missing_ok=True)


@pytest.fixture(autouse=True)
def _marks_and_a_fresh_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Gives their marks their meaning; leaves no token, cache or detected agent to the next test."""
    monkeypatch.setattr(_detect_agent, "_registry", {"standardEnvVars": [], "harnesses": {}})
    if request.node.get_closest_marker("production"):
        monkeypatch.setattr(constants, "ENDPOINT", testing_constants.ENDPOINT_PRODUCTION)
        template = testing_constants.ENDPOINT_PRODUCTION_URL_SCHEME
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    if request.node.get_closest_marker("xet"):
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    with warnings.catch_warnings():
        yield
    home = Path(constants.HF_HOME)
    for left in home.iterdir() if home.exists() else ():
        if left.name != "xet":  # hf_xet keeps that folder open for the whole process
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "vcr: answers recorded on the public Hub")
    for transport in (httpx2.HTTPTransport, httpx2.AsyncHTTPTransport):
        _watch(transport)


def _watch(transport: type) -> None:
    """Note what reaches the hub, so that a test which never talks to it is not counted as one that did."""
    name = "handle_request" if hasattr(transport, "handle_request") else "handle_async_request"
    original = getattr(transport, name)

    def watched(self, request, *args, **kwargs):
        if (request.url.host, request.url.port) == (_OURS.host, _OURS.port):
            _reached.append(f"{request.method} {request.url.path}")
        return original(self, request, *args, **kwargs)

    setattr(transport, name, watched)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if kind := _kind(_name(item.nodeid)):
            item.add_marker(pytest.mark.skip(reason=f"ledger: {kind}"))


def _kind(name: str) -> str | None:
    """Why the ledger leaves this out, None when it does not."""
    return next((kind for start, kind in TOLD["ledger"].items() if _covers(start, name)), None)


def _covers(start: str, name: str) -> bool:
    return name == start or name.startswith((f"{start}::", f"{start}["))


def _name(nodeid: str) -> str:
    return nodeid.removeprefix("tests/")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None):
    _reached.clear()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    report = yield
    report.reached = len(_reached)
    return report


_phases: dict[str, dict[str, Any]] = {}
_waiting: set[str] = set()  # collected, without a result yet


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Fold the phases of a test into one line; under xdist only the first process has the place to write it to."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    told = _phases.setdefault(
        report.nodeid, {"test": _name(report.nodeid), "outcome": "passed", "reason": "", "seconds": 0, "reached": 0}
    )
    told["seconds"] = round(told["seconds"] + report.duration, 2)
    told["reached"] = max(told["reached"], report.reached)
    if report.failed:
        told["outcome"], told["reason"] = "failed", report.longreprtext[-4000:]
    elif report.skipped and told["outcome"] == "passed":
        told["outcome"] = "skipped"
        told["reason"] = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext[-300:]
    if report.when == "teardown":
        _write(_phases.pop(report.nodeid))
        _waiting.discard(report.nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(ids: list[str]) -> None:
    _waiting.update(ids)


def pytest_collection_finish(session: pytest.Session) -> None:
    _waiting.update(item.nodeid for item in session.items)


def pytest_sessionfinish() -> None:
    """A test whose process died has no result: that is a failure."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        for nodeid in sorted(_waiting):
            told = {"test": _name(nodeid), "outcome": "failed", "reason": "it never ended", "seconds": 0, "reached": 0}
            _write(told)


def _write(told: dict[str, Any]) -> None:
    with Path(TOLD["report"]).open("a") as lines:
        lines.write(json.dumps(told) + "\n")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A module that cannot be imported hides its tests: that is a failure, unless the ledger leaves out all of it."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        name = _name(report.nodeid)
        told = {"test": name, "outcome": "failed", "reason": report.longreprtext[-4000:], "seconds": 0, "reached": 0}
        if kind := _kind(name):
            told |= {"outcome": "skipped", "reason": f"ledger: {kind}"}
        _write(told)
