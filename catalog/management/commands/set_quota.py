from __future__ import annotations

from django.core.management.base import CommandError, CommandParser

from catalog.access import namespace_named
from catalog.actions import quotas
from catalog.management.base import CatalogCommand


class Command(CatalogCommand):
    help = "Says how much a namespace may hold: a number of GB, 'none' for no limit, 'site' for NAMESPACE_QUOTA_GB."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("namespace")
        parser.add_argument("limit", nargs="?", help="without it, the present use is shown")

    def handle(self, *args: object, namespace: str, limit: str | None, **options: object) -> None:
        found = namespace_named(namespace)
        if limit == "site":
            quotas.use_site_limit(namespace=found, actor=None)
        elif limit is not None:
            quotas.set_limit(namespace=found, limit_bytes=_bytes(limit), actor=None)
        allowed = quotas.limit_of(found.pk)
        shown = "no limit" if allowed is None else f"{allowed / quotas.GB:g} GB"
        self.stdout.write(f"{found.name}: {quotas.used_bytes(found.pk) / quotas.GB:.3f} GB of {shown}")


def _bytes(text: str) -> int | None:
    if text == "none":
        return None
    try:
        size = round(float(text) * quotas.GB)
    except (ValueError, OverflowError):
        size = -1
    if size < 0:
        raise CommandError("the limit is a number of GB, 'none' or 'site'")
    return size
