"""The newest version of every client, unmodified, against one running site; `make matrix` runs the older ones, too."""

from __future__ import annotations

import pytest

from tests.matrix import site
from tests.matrix.clients import CLIENTS
from tests.matrix.running import run_client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NEWEST = [client for client in CLIENTS if client.is_newest]


@pytest.fixture(scope="module")
def running():
    with site.running() as found:
        yield found


@pytest.mark.parametrize(("number", "client"), list(enumerate(NEWEST)), ids=[client.label for client in NEWEST])
def test_every_feature_passes_that_the_client_offers(running, number, client):
    records = run_client(client, site=running, prefix=f"n{number}")

    assert records
    assert [f"{one.feature}: {one.reason}" for one in records if one.result == "fail"] == []
