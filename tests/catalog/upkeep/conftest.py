"""A site whose store is its own: what one test collects or damages is no other's."""

from __future__ import annotations

import pytest

from tests.stores import STORES


@pytest.fixture(autouse=True)
def own_store(other_store):
    return other_store


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test here runs on each kind of store, except those that look at files (`LOCAL = {names}`)."""
    is_local = metafunc.function.__name__ in getattr(metafunc.module, "LOCAL", ())
    metafunc.parametrize("other_store", ["local"] if is_local else STORES, indirect=True)
