"""Gated repos: who asks for their files, and who says yes (hub-api 13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.actions import audit
from catalog.errors import BadInput
from catalog.models import AccessRequest, Repo, User

MOST_FIELDS: Final = 20
LONGEST_FIELD: Final = 2000  # characters
LONGEST_REASON: Final = 1000


@transaction.atomic
def ask_access(*, repo: Repo, actor: User, fields: Mapping[str, str] | None = None) -> AccessRequest:
    """Ask for the files of a gated repo; granted at once where its owner said so. Asking again changes nothing.

    Raises:
        BadInput: the repo is not gated, or more was written than a form has room for.
    """
    if not repo.is_gated:
        raise BadInput(_("This repo is not gated: its files are open to everybody who sees it."))
    at_once = repo.gate == Repo.Gate.AUTO
    request, created = AccessRequest.objects.get_or_create(
        repo=repo,
        user=actor,
        defaults={
            "fields": _checked(fields or {}),
            "state": AccessRequest.State.ACCEPTED if at_once else AccessRequest.State.PENDING,
            "decided_at": timezone.now() if at_once else None,
        },
    )
    if created:
        audit.record(actor, "access.ask", audit.name_of(repo), state=request.state)
    return request


@transaction.atomic
def decide(*, request: AccessRequest, state: str, actor: User, reason: str = "") -> AccessRequest:
    """Accept or reject a request, or put it back to the pending ones.

    Raises:
        BadInput: no such state, the state it has already, or a reason that is no rejection's.
    """
    if state not in AccessRequest.State.values:
        raise BadInput(_("A request is accepted, rejected or pending."))
    if reason and state != AccessRequest.State.REJECTED:
        raise BadInput(_("Only a rejection has a reason."))
    if len(reason) > LONGEST_REASON:
        raise BadInput(_("The reason may have at most %(most)s characters.") % {"most": LONGEST_REASON})
    locked = AccessRequest.objects.select_for_update().get(pk=request.pk)
    if locked.state == state:
        raise BadInput(_("This request is %(state)s already.") % {"state": locked.get_state_display()})
    locked.state, locked.rejection_reason = state, reason
    locked.decided_at, locked.decided_by = timezone.now(), actor
    locked.save(update_fields=["state", "rejection_reason", "decided_at", "decided_by"])
    audit.record(actor, f"access.{state}", audit.name_of(request.repo), user=request.user.username)
    return locked


@transaction.atomic
def grant(*, repo: Repo, user: User, actor: User) -> AccessRequest:
    """Let somebody have the files, asked or not.

    Raises:
        BadInput: the repo is not gated, or they have access already.
    """
    if not repo.is_gated:
        raise BadInput(_("This repo is not gated: its files are open to everybody who sees it."))
    request, created = AccessRequest.objects.get_or_create(repo=repo, user=user, defaults={"is_granted": True})
    if not created and request.state == AccessRequest.State.ACCEPTED:
        raise BadInput(_("%(name)s has access already.") % {"name": user.username})
    return decide(request=request, state=AccessRequest.State.ACCEPTED, actor=actor)


def _checked(fields: Mapping[str, str]) -> dict[str, str]:
    if len(fields) > MOST_FIELDS or any(len(name) + len(value) > LONGEST_FIELD for name, value in fields.items()):
        raise BadInput(_("A form has at most %(most)s short fields.") % {"most": MOST_FIELDS})
    return dict(fields)
