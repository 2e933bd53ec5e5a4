"""Accounts of identity providers that stand for accounts here: found, made, linked, taken away.

What finds an account is (issuer, subject). An e-mail address finds none: whoever can have a provider say it would
be let into accounts of others.
"""

from __future__ import annotations

import re
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.actions import audit
from catalog.actions.people import accounts
from catalog.actions.people.identity_flow import Claimed
from catalog.errors import BadInput, IdentityRefused, InvalidName, NotFound
from catalog.models import ExternalIdentity, Namespace, User
from catalog.parsing import names
from marketplace.identity_providers import IdentityProvider

MOST_IDENTITIES: Final = 20  # of one person
_UNFIT: Final = re.compile(r"[^a-z0-9._]+|[._]{2,}")


@transaction.atomic
def sign_in(claimed: Claimed) -> User | None:
    """Returns whose identity this is; None when it is nobody's yet.

    Raises:
        IdentityRefused: it is somebody's who is blocked.
    """
    identity = (
        ExternalIdentity.objects.select_for_update(of=("self",))
        .select_related("user__namespace")
        .filter(issuer=claimed.provider.issuer, subject=claimed.subject)
        .first()
    )
    if identity is None:
        return None
    if not identity.user.is_active:
        raise IdentityRefused(opens_nothing())
    identity.last_used_at = timezone.now()
    identity.save(update_fields=["last_used_at"])
    audit.record(identity.user, "identity.sign_in", f"user/{identity.user}", provider=claimed.provider.slug)
    return identity.user


def opens_nothing() -> str:
    """What is said of an identity without an account, and of one whose account is blocked: the same."""
    return _("your account there opens no account here")


def note_refusal(provider: IdentityProvider, reason: str, *, user: User | None = None) -> None:
    """Record that an answer of a provider was not taken; `user` wanted to link it."""
    audit.record(user, "identity.refused", f"provider/{provider.slug}", reason=reason[:500])


def check_newcomer(claimed: Claimed) -> None:
    """Raises `IdentityRefused` unless this provider may make an account for this identity."""
    if not claimed.provider.signs_up:
        raise IdentityRefused(opens_nothing())
    if not claimed.is_email_verified or not _is_address(claimed.email):
        raise IdentityRefused(_("it vouches for no e-mail address of yours"))
    if not claimed.provider.takes_address(claimed.email):
        raise IdentityRefused(_("new accounts are not made for addresses like yours"))


@transaction.atomic
def sign_up(claimed: Claimed, *, name: str, full_name: str) -> User:
    """Returns a new account for an identity that has none.

    Its e-mail address is kept unless another account has it: of two accounts with one address, one would get the
    other's letters.

    Raises:
        IdentityRefused: the provider may make none.
        InvalidName, NameTaken
        BadInput: the identity has an account by now.
    """
    check_newcomer(claimed)
    email = "" if is_known_address(claimed.email) else claimed.email
    user = accounts.create_user(name=name, full_name=full_name, email=email)
    link(user=user, claimed=claimed)
    return user


@transaction.atomic
def link(*, user: User, claimed: Claimed) -> ExternalIdentity:
    """Let this identity sign in as this person from now on.

    Raises:
        BadInput: it is somebody else's here, or they have too many.
    """
    known = ExternalIdentity.objects.filter(issuer=claimed.provider.issuer, subject=claimed.subject).first()
    if known is None and user.identities.count() >= MOST_IDENTITIES:
        raise BadInput(_("That is enough: remove one of them first."))
    try:
        with transaction.atomic():  # a savepoint, so that the caller's transaction survives
            identity = known or ExternalIdentity.objects.create(
                user=user,
                issuer=claimed.provider.issuer,
                subject=claimed.subject,
                shown_as=claimed.email or claimed.wanted_name[:254],
            )
    except IntegrityError:
        identity = ExternalIdentity.objects.get(issuer=claimed.provider.issuer, subject=claimed.subject)
    if identity.user_id != user.pk:
        raise BadInput(
            _("That account of %(provider)s belongs to another account here.") % {"provider": claimed.provider.name}
        )
    audit.record(user, "identity.link", f"user/{user}", provider=claimed.provider.slug, subject=claimed.subject)
    return identity


@transaction.atomic
def unlink(*, user: User, identity_id: int) -> None:
    """Take an identity away.

    Raises:
        NotFound: they have no such identity.
        BadInput: without it they could not sign in any more.
    """
    person = User.objects.select_for_update().get(pk=user.pk)  # of two at once one comes second, and sees one left
    identity = person.identities.filter(pk=identity_id).first()
    if identity is None:
        raise NotFound
    others = person.identities.exclude(pk=identity_id).filter(
        issuer__in=[one.issuer for one in settings.OIDC_PROVIDERS]
    )
    if not has_password(person) and not others.exists():
        raise BadInput(_("This is your only way to sign in. Set a password first: “Forgot the password?” leads there."))
    audit.record(person, "identity.unlink", f"user/{person}", issuer=identity.issuer, subject=identity.subject)
    identity.delete()


def has_password(user: User) -> bool:
    return bool(user.password) and user.has_usable_password()


def is_known_address(email: str) -> bool:
    """Whether an account has this e-mail address already."""
    return User.objects.filter(email__iexact=email).exists()


def suggested_name(claimed: Claimed) -> str:
    """A free name like the one they have there, or like their address; "" when none comes to mind."""
    wanted = claimed.wanted_name.partition("@")[0] or claimed.email.partition("@")[0]
    stem = _UNFIT.sub("-", wanted.lower()).strip("-._")[: names.LONGEST_NAME - 3]
    for number in range(1, 100):
        name = stem if number == 1 else f"{stem}-{number}"
        try:
            names.check_namespace(name)
        except InvalidName:
            if number == 1 and stem in names.RESERVED:
                continue
            return ""
        if not Namespace.objects.filter(key=name).exists():
            return name
    return ""


def _is_address(email: str) -> bool:
    try:
        validate_email(email)
    except ValidationError:
        return False
    return True
