"""A pytest plugin, `-p tests.matrix.coverage.recording`: which route answered what, in which test.

Requests inside the test process are seen at Django's handler, those of real servers by `recorded_wsgi`, which
tests/processes.py starts when `ROUTES_SEEN` names a file.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse

from tests.processes import ROOT

VARIABLE = "ROUTES_SEEN"
SEEN = ROOT / "build" / "coverage-routes.json"


class Recording:
    """What was seen so far: route → method and status → names of test files."""

    def __init__(self, log: Path) -> None:
        self.log, self.read_until = log, 0
        self.seen: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    def add(self, method: str, route: str, status: int) -> None:
        from tests.matrix.coverage.routes import readable

        test = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[0]
        self.seen[readable(route)][f"{method} {status}"].add(test)

    @pytest.hookimpl(tryfirst=True)  # pytest's own takes PYTEST_CURRENT_TEST away
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Take over what real servers wrote during this test."""
        with self.log.open() as file:
            file.seek(self.read_until)
            lines = file.readlines()
            self.read_until = file.tell()
        for line in lines:
            method, route, status = line.rstrip("\n").split("\t")
            self.add(method, route, int(status))

    def pytest_sessionfinish(self) -> None:
        from tests.matrix.coverage.routes import served_routes

        SEEN.parent.mkdir(exist_ok=True)
        found = {
            route: {answer: sorted(tests) for answer, tests in sorted(self.seen[route].items())}
            for route in served_routes()
        }
        SEEN.write_text(json.dumps(found, indent=1) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    handle, name = tempfile.mkstemp(prefix="routes-seen-")
    os.close(handle)
    os.environ[VARIABLE] = name
    recording = Recording(Path(name))
    config.pluginmanager.register(recording)
    get_response = BaseHandler.get_response

    def recorded(self: BaseHandler, request: HttpRequest) -> HttpResponse:
        response = get_response(self, request)
        if request.resolver_match:
            recording.add(request.method or "", request.resolver_match.route, response.status_code)
        return response

    BaseHandler.get_response = recorded


def pytest_unconfigure() -> None:
    Path(os.environ.pop(VARIABLE)).unlink()
