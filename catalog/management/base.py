"""What our commands share: one clear line instead of a traceback when the catalogue refuses."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog.access import namespace_named
from catalog.errors import CatalogError
from catalog.models import User
from marketplace import data_dir


class CatalogCommand(BaseCommand):
    def execute(self, *args: Any, **options: Any) -> str | None:  # noqa: ANN401  # as Django declares it
        try:
            return super().execute(*args, **options)
        except CatalogError as refused:
            raise CommandError(refused.message) from refused


def person_named(name: str) -> User:
    """Returns the user of this name, in any case. Raises `CommandError`."""
    try:
        owner = namespace_named(name).owner
    except CatalogError:
        owner = None
    if not isinstance(owner, User):
        raise CommandError(f"there is no user named {name!r}")
    return owner


def absolute(path: str) -> str:
    """The path as a URL where the site's address is configured, or `up` has noted it."""
    noted = data_dir.run_dir(settings.DATA_DIR) / data_dir.URL_FILE
    address = settings.PUBLIC_URL or (noted.read_text() if noted.exists() else "")
    return f"{address}{path}"
