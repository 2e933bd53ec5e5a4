"""Callers and repos as the tests of the Hub's API have them."""

from tests.catalog.hub_api.conftest import ann, other, owner, private_repo, reader, repo, stranger

__all__ = ["ann", "other", "owner", "private_repo", "reader", "repo", "stranger"]
