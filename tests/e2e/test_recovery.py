"""What is killed comes back, and what it was doing is done all the same."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from tests.e2e.conftest import Site
from tests.up import processes_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(site: Site, digits_model, tmp_path_factory) -> str:
    """A public model of the team acme."""
    from tests.e2e.conftest import Client

    ann = Client(site.url, site.tokens["ann"], tmp_path_factory.mktemp("ann"))
    ann.hf("upload", "acme/digits", str(digits_model), ".")
    return "acme/digits"


def kill(site: Site, *words: str) -> None:
    """SIGKILL every process of the site whose command line has these words."""
    found = [process for process in processes_of(site.up.data_dir) if all(w in process.cmdline() for w in words)]
    assert found, words
    for process in found:
        os.kill(process.pid, signal.SIGKILL)
    psutil.wait_procs(found, timeout=10)


def test_a_node_killed_during_a_run_finishes_it_after_its_restart(site, model):
    asked = site.api("POST", f"models/{model}/runs", person="ann", json={"benchmark": "digits"}, status=201)
    site.wait(f"runs/{asked['id']}", person="ann", until={"claimed", "running"})

    kill(site, "node", "--embedded")

    ended = site.wait(f"runs/{asked['id']}", person="ann", until={"succeeded", "failed"})
    assert ended["state"] == "succeeded", ended["reason"]
    assert ended["attempt"] >= 2


def test_a_worker_killed_while_it_is_needed_loses_nothing(site, client, digits_model):
    ann = client(site.url, site.tokens["ann"])
    kill(site, "celery", "worker")

    ann.hf("upload", "acme/digits-again", str(digits_model), ".")

    deadline = time.monotonic() + 120
    while not site.api("GET", "models?search=digits-again")["results"]:
        assert time.monotonic() < deadline, "the index job was lost"
        time.sleep(1)
