"""People in teams, after they have joined; and what people say of themselves."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.actions import audit
from catalog.actions.people import accounts
from catalog.errors import BadInput
from catalog.models import Membership, Organisation, User


@transaction.atomic
def change_member(*, organisation: Organisation, user: User, role: str, actor: User) -> Membership:
    """Give somebody a role in a team; the last administrator cannot step down.

    Raises:
        BadInput
    """
    _lock(organisation)
    if role != Membership.Role.ADMIN:
        _check_not_last_admin(organisation, user)
    return accounts.add_member(organisation=organisation, user=user, role=role, actor=actor)


@transaction.atomic
def remove_member(*, organisation: Organisation, user: User, actor: User) -> None:
    """Take somebody out of a team; harmless when they are not in it.

    Raises:
        BadInput: they are its last administrator.
    """
    _lock(organisation)
    _check_not_last_admin(organisation, user)
    Membership.objects.filter(organisation=organisation, user=user).delete()
    audit.record(actor, "organisation.remove", f"organisation/{organisation}", user=user.username)


@transaction.atomic
def change_profile(*, user: User, full_name: str, email: str) -> None:
    """What a person says of themselves."""
    user.full_name, user.email = full_name.strip(), email.strip()
    user.save(update_fields=["full_name", "email"])
    audit.record(user, "user.profile", f"user/{user}")


def _lock(organisation: Organisation) -> None:
    """Two administrators who remove each other at once must not both succeed."""
    Organisation.objects.select_for_update().get(pk=organisation.pk)


def _check_not_last_admin(organisation: Organisation, user: User) -> None:
    admins = organisation.memberships.filter(role=Membership.Role.ADMIN)
    if admins.filter(user=user).exists() and admins.count() == 1:
        raise BadInput(_("A team needs an administrator; name another one first."))
