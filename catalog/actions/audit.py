"""The record of privileged changes; called inside the transaction of the change itself."""

from __future__ import annotations

from catalog.models import AuditEntry, Repo, User


def record(actor: User | None, action: str, target: str, **details: object) -> None:
    """Note who (None: the console) did what to what."""
    AuditEntry.objects.create(actor=actor, action=action, target=target[:255], details=details)


def name_of(repo: Repo) -> str:
    """What the log calls a repo: `models/ns/name`."""
    return f"{repo.kind}s/{repo.full_name}"
