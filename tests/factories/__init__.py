"""Valid objects for tests, built through the actions that build them in earnest."""

from tests.factories.accounts import OrganisationFactory, UserFactory, token_of
from tests.factories.repos import RepoFactory, add, commit_content, store

__all__ = ["OrganisationFactory", "RepoFactory", "UserFactory", "add", "commit_content", "store", "token_of"]
