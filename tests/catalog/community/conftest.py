from tests.catalog.hub_api.conftest import ann, other, owner, reader, stranger

__all__ = ["ann", "other", "owner", "reader", "stranger"]
