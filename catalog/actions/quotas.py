"""How much a namespace may hold: logical bytes, each repo's own (security 5).

Two repos with the same file count it twice, so that nobody learns from a number what others hold.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from catalog.actions import audit
from catalog.errors import QuotaExceeded
from catalog.models import Namespace, NamespaceQuota, Repo, RepoBlob, Upload, User

GB: Final = 1000**3
_LOCKS: Final = 0x6D61726B  # first half of two-part advisory locks; the second is the namespace


def used_bytes(namespace_id: int) -> int:
    """What the live repos of a namespace hold, committed or not."""
    held = RepoBlob.objects.filter(repo__namespace=namespace_id, repo__deleted_at=None)
    total: int = held.aggregate(total=Sum("blob__size", default=0))["total"]
    return total


def limit_of(namespace_id: int) -> int | None:
    """Bytes this namespace may hold; None without a limit."""
    own = NamespaceQuota.objects.filter(namespace=namespace_id).first()
    if own is not None:
        return own.limit_bytes
    return settings.NAMESPACE_QUOTA_GB * GB if settings.NAMESPACE_QUOTA_GB else None


@transaction.atomic
def set_limit(*, namespace: Namespace, limit_bytes: int | None, actor: User | None) -> None:
    """Give a namespace a limit of its own; None is none at all."""
    NamespaceQuota.objects.update_or_create(namespace=namespace, defaults={"limit_bytes": limit_bytes})
    audit.record(actor, "namespace.quota", namespace.name, limit_bytes=limit_bytes)


@transaction.atomic
def use_site_limit(*, namespace: Namespace, actor: User | None) -> None:
    """Take a namespace's own limit away again."""
    NamespaceQuota.objects.filter(namespace=namespace).delete()
    audit.record(actor, "namespace.quota", namespace.name, limit_bytes="site")


def check(repo: Repo, *, coming_bytes: int = 0) -> None:
    """Refuse what goes beyond the limit; called in the transaction that writes the rows, after them.

    Args:
        coming_bytes: announced now; what else was announced for the namespace counts too.

    Raises:
        QuotaExceeded
    """
    limit = limit_of(repo.namespace_id)
    if limit is None:
        return
    with connection.cursor() as cursor:  # one at a time: two that fit alone may not fit together
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS, repo.namespace_id % 2**31])
    used = used_bytes(repo.namespace_id)
    if coming_bytes:
        announced = Upload.objects.filter(repo__namespace=repo.namespace_id, finished_at=None, expires_at__gt=Now())
        used += coming_bytes + announced.aggregate(total=Sum("size", default=0))["total"]
    if used > limit:
        raise QuotaExceeded(
            _(
                "%(name)s may hold %(limit)s GB, and this would make it %(used)s GB. "
                "Delete what is not needed, or ask the administrator."
            )
            % {"name": repo.namespace.name, "limit": _gb(limit), "used": _gb(used)},
            limit_bytes=limit,
            used_bytes=used,
        )


def dedups_within_owner(repo: Repo) -> bool:
    """Whether only what this repo's owner sent before may spare the store work (ADR 0013)."""
    scope: str = settings.DEDUP_SCOPE
    return scope == "owner" or (scope == "" and repo.is_private)


def _gb(size: int) -> str:
    return f"{size / GB:.3f}".rstrip("0").rstrip(".")
