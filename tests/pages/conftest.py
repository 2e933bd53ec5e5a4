import pytest
from django.core.cache import cache

from tests.raw_client import RawClient


@pytest.fixture(autouse=True)
def forget_counts():
    """Counts of choices and wrong passwords outlive a test's transaction."""
    cache.clear()


@pytest.fixture
def client() -> RawClient:
    """An anonymous reader whose paths arrive encoded."""
    return RawClient()


@pytest.fixture
def signed_in():
    """`signed_in(user)`: a client with that person's session."""

    def sign_in(user) -> RawClient:
        person = RawClient()
        person.force_login(user)
        return person

    return sign_in
