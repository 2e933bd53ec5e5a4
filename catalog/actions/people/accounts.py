"""Accounts: people, teams, access tokens, and the one-time links by which passwords are set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.contrib.auth.tokens import default_token_generator
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from catalog import tokens
from catalog.actions import audit
from catalog.errors import BadInput, NameTaken
from catalog.models import AccessToken, Membership, Namespace, Organisation, Repo, TokenGrant, TrustedPublisher, User
from catalog.parsing import names

LONGEST_TOKEN_LIFETIME_DAYS: Final = 365
MOST_GRANTS: Final = 100  # of one token
Grant = tuple[Namespace | Repo, str]  # where, and the role there
FIRST_ADMIN: Final = "admin"  # reserved for everybody else, so it is free when the site starts


@transaction.atomic
def create_user(*, name: str, full_name: str = "", email: str = "", is_admin: bool = False) -> User:
    """Create a person without a password; `password_link` lets them choose one.

    Raises:
        InvalidName, NameTaken
    """
    names.check_namespace(name)
    return _add_user(name, full_name=full_name, email=email, is_admin=is_admin)


@transaction.atomic
def create_organisation(
    *,
    name: str,
    admin: User,
    full_name: str = "",
    default_visibility: str = Organisation.Visibility.PUBLIC,
    actor: User | None = None,
) -> Organisation:
    """Create a team with its first administrator.

    Raises:
        InvalidName, NameTaken, BadInput
    """
    names.check_namespace(name)
    if default_visibility not in Organisation.Visibility.values:
        raise BadInput(_("The default visibility is either public or private."))
    organisation = Organisation.objects.create(
        namespace=_take_namespace(name), full_name=full_name, default_visibility=default_visibility
    )
    Membership.objects.create(organisation=organisation, user=admin, role=Membership.Role.ADMIN)
    audit.record(actor, "organisation.create", f"organisation/{name}", admin=admin.username)
    return organisation


@transaction.atomic
def add_member(*, organisation: Organisation, user: User, role: str, actor: User | None) -> Membership:
    """Give a person a role in a team, or change the role they have.

    Raises:
        BadInput: no such role.
    """
    if role not in Membership.Role.values:
        raise BadInput(_("A member's role is read, write or admin."))
    membership, _created = Membership.objects.update_or_create(
        organisation=organisation, user=user, defaults={"role": role}
    )
    audit.record(actor, "organisation.member", f"organisation/{organisation}", user=user.username, role=role)
    return membership


@transaction.atomic
def create_token(
    *,
    user: User,
    name: str,
    role: str,
    lifetime_days: int = 90,
    grants: Sequence[Grant] = (),
    actor: User | None = None,
) -> tuple[AccessToken, str]:
    """Returns a new access token and its secret, which is shown once and never stored.

    Args:
        lifetime_days: 1 to 365.
        grants: what a fine-grained token may do; none for the other roles.
        actor: who asks; None is the owner.

    Raises:
        BadInput, NameTaken: the person has a token of this name.
    """
    name = name.strip()
    _check_token(user, name, role, lifetime_days, grants)
    token, secret = _add_token(user, name=name, role=role, lifetime=timedelta(days=lifetime_days), grants=grants)
    named = [f"{role_there} in {place}" for place, role_there in grants]
    audit.record(actor or user, "token.create", f"user/{user}", token=name, role=role, grants=named)
    return token, secret


def _check_token(user: User, name: str, role: str, lifetime_days: int, grants: Sequence[Grant]) -> None:
    """Raises `BadInput`, `NameTaken`."""
    if not 0 < len(name) <= 100:
        raise BadInput(_("A token needs a name of at most 100 characters."))
    if role not in AccessToken.Role.values:
        raise BadInput(_("A token's role is read, write or fineGrained."))
    if (role == AccessToken.Role.FINE_GRAINED) != bool(grants) or len(grants) > MOST_GRANTS:
        raise BadInput(
            _("A fine-grained token names between 1 and %(most)s places, and no other token does.")
            % {"most": MOST_GRANTS}
        )
    if not 1 <= lifetime_days <= LONGEST_TOKEN_LIFETIME_DAYS:
        raise BadInput(
            _("A token lives between 1 and %(longest_token_lifetime_days)s days.")
            % {"longest_token_lifetime_days": LONGEST_TOKEN_LIFETIME_DAYS}
        )
    if user.tokens.filter(name=name).exists():
        raise NameTaken(_("There is a token named %(name)r already.") % {"name": name})


def create_publisher_token(
    *, publisher: TrustedPublisher, repo: Repo, name: str, lifetime: timedelta
) -> tuple[AccessToken, str]:
    """Returns a token that writes to one repo, for a job this publisher stands for; who calls records it."""
    return _add_token(
        publisher.created_by, name=name, role=AccessToken.Role.FINE_GRAINED, lifetime=lifetime,
        grants=[(repo, TokenGrant.Role.WRITE)], publisher=publisher,
    )  # fmt: skip


@transaction.atomic
def revoke_token(*, token: AccessToken, actor: User | None) -> None:
    """Make a token useless from now on."""
    audit.record(actor, "token.revoke", f"user/{token.user}", token=token.name)
    token.delete()


def password_link(user: User) -> str:
    """Returns the path where this person may set a password, once, within a day."""
    code = urlsafe_base64_encode(force_bytes(user.pk))
    return f"/join/{code}/{default_token_generator.make_token(user)}"


@transaction.atomic
def hand_over_link(*, user: User, actor: User) -> str:
    """Returns such a link for an administrator to hand over; that it was made is recorded."""
    audit.record(actor, "user.link", f"user/{user}")
    return password_link(user)


@transaction.atomic
def set_password(*, user: User, password: str) -> None:
    """Give somebody the password they chose by their one-time link; their other sessions end."""
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(user, "user.password", f"user/{user}")


@transaction.atomic
def block(*, user: User, actor: User | None) -> None:
    """Shut somebody out: sessions, tokens, signed addresses and webhooks of theirs stop working at once.

    Raises:
        BadInput: the last administrator.
    """
    if user.is_admin and not User.objects.filter(is_admin=True, is_active=True).exclude(pk=user.pk).exists():
        raise BadInput(_("This is the last administrator; name another one first."))
    _switch(user, is_active=False)
    audit.record(actor, "user.block", f"user/{user}")


@transaction.atomic
def unblock(*, user: User, actor: User | None) -> None:
    """Let somebody in again, with what they had."""
    _switch(user, is_active=True)
    audit.record(actor, "user.unblock", f"user/{user}")


@transaction.atomic
def ensure_admin_link() -> str | None:
    """Returns the first administrator's link until some administrator has a password.

    Creates the account when the site has no administrator yet.
    """
    admins = list(User.objects.filter(is_admin=True, is_active=True).order_by("pk"))
    if any(admin.password and admin.has_usable_password() for admin in admins):
        return None
    admin = admins[0] if admins else _add_user(FIRST_ADMIN, is_admin=True)
    return password_link(admin)


def _add_token(
    user: User,
    *,
    name: str,
    role: str,
    lifetime: timedelta,
    grants: Sequence[Grant],
    publisher: TrustedPublisher | None = None,
) -> tuple[AccessToken, str]:
    secret = tokens.new_token()
    token = AccessToken.objects.create(
        user=user,
        name=name,
        role=role,
        digest=tokens.digest(secret),
        last_four=secret[-4:],
        expires_at=timezone.now() + lifetime,
        publisher=publisher,
    )
    TokenGrant.objects.bulk_create(_grant(token, grant) for grant in dict(grants).items())
    return token, secret


def _grant(token: AccessToken, grant: Grant) -> TokenGrant:
    place, role = grant
    if role not in TokenGrant.Role.values:
        raise BadInput(_("A grant is read, write or admin."))
    if isinstance(place, Repo):
        return TokenGrant(token=token, repo=place, role=role)
    return TokenGrant(token=token, namespace=place, role=role)


def _switch(user: User, *, is_active: bool) -> None:
    user.is_active = is_active
    user.save(update_fields=["is_active"])


def _add_user(name: str, *, full_name: str = "", email: str = "", is_admin: bool = False) -> User:
    user = User(namespace=_take_namespace(name), username=name, full_name=full_name, email=email, is_admin=is_admin)
    user.set_unusable_password()
    user.save()
    audit.record(None, "user.create", f"user/{name}", is_admin=is_admin)
    return user


def _take_namespace(name: str) -> Namespace:
    try:
        with transaction.atomic():  # a savepoint, so that the caller's transaction survives
            return Namespace.objects.create(name=name, key=name.casefold())
    except IntegrityError:
        raise NameTaken(_("The name %(name)r is taken.") % {"name": name}) from None
