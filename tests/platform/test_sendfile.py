"""File bytes leave by the kernel's sendfile, not through Python (decision 6)."""

import urllib.request

import pytest

from tests.bench import web_processes
from tests.bench.site import Site, random_file
from tests.processes import Hub

pytestmark = pytest.mark.slow

SIZE = 64 * 1024 * 1024


def test_a_download_costs_the_web_no_reading_of_the_file():
    with Hub.started("sendfile", SENDFILE="wsgi") as hub:  # the default, said aloud: gunicorn knows this name, too
        files = hub.home / "files"
        files.mkdir()
        site = Site(hub, hub.people("ann")["ann"], files)
        random_file(files / "weights.bin", SIZE)
        site.upload(files / "weights.bin", "ann/big", with_xet=False)
        download(site)  # whatever has to be imported is
        before = reads(hub)

        received = download(site)

        assert received == SIZE
        assert reads(hub) - before < SIZE / 1024 / 1024  # a loop of the largest pieces we use would be four times that


def download(site):
    request = urllib.request.Request(f"{site.hub.url}/ann/big/resolve/main/weights.bin")
    request.add_header("Authorization", f"Bearer {site.token}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return len(answer.read())


def reads(hub):
    """System calls that read, of all web processes so far."""
    return sum(process.io_counters().read_count for process in web_processes.processes(hub))
