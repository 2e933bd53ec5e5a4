"""One store of each kind, asked the same questions."""

from __future__ import annotations

import pytest

from catalog.storage.base import BlobStore, open_store
from tests.stores import STORES


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> BlobStore:
    return open_store(request.getfixturevalue(f"{request.param}_url"))
