"""One store of each kind, asked the same questions."""

from __future__ import annotations

import pytest

from catalog.storage.base import BlobStore, open_store
from tests.stores import local_url, s3_endpoint, s3_url

__all__ = ["local_url", "s3_endpoint", "s3_url", "store"]


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest) -> BlobStore:
    return open_store(request.getfixturevalue(f"{request.param}_url"))
