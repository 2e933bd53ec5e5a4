"""Rows made directly, for tests of what reads them: no files, no jobs."""

from __future__ import annotations

from itertools import count

from catalog.actions.facts import search_index
from catalog.actions.people import accounts
from catalog.models import Namespace, Repo, RepoFacts, User

_numbers = count(1)


def person(name: str = "", *, is_admin: bool = False) -> User:
    return accounts.create_user(name=name or f"person{next(_numbers)}", is_admin=is_admin)


def namespace_of(name: str) -> Namespace:
    found = Namespace.objects.filter(key=name.casefold()).first()
    return found if found is not None else person(name).namespace


def repo(full_name: str = "", *, kind: str = "model", visibility: str = "public", **facts: object) -> Repo:
    """A repo whose facts say so, found by search at once."""
    owner, _, name = (full_name or f"owner/repo{next(_numbers)}").partition("/")
    made = Repo.objects.create(
        namespace=namespace_of(owner), kind=kind, name=name, name_key=name.casefold(), visibility=visibility
    )
    row = RepoFacts.objects.create(repo=made, kind=kind, **facts)
    search_index.refresh_document(row)
    return made
