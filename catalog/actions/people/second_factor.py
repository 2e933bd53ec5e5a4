"""The second factor of signing in: codes of an app (TOTP), and recovery codes for when it is lost (ADR 0018).

allauth keeps the factors and makes their codes. That a code is taken once is ours: allauth remembers taken ones
in the cache for half a minute, where a lost Redis, or a clock that allows for the code before, forgets them.
"""

from __future__ import annotations

import logging
import unicodedata
from secrets import compare_digest

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.db import transaction
from django.utils.translation import gettext as _

from catalog.actions import audit
from catalog.authenticators import Unreadable
from catalog.errors import BadInput
from catalog.models import User
from catalog.models.accounts import second_factors

TAKEN = "last_counter"  # in the data of a TOTP factor: the time step of the newest code that was taken

logger = logging.getLogger(__name__)


def new_secret() -> str:
    """Returns what an app makes codes from, in base 32; nothing is stored yet."""
    secret: str = totp.generate_totp_secret()
    return secret


def address_of(user: User, secret: str) -> str:
    """Returns what the QR code says: the secret, whose it is, and for which site."""
    address: str = get_adapter().build_totp_url(user, secret)
    return address


@transaction.atomic
def enrol(*, user: User, secret: str, code: str) -> list[str]:
    """Let signing in ask for codes made from `secret`; returns recovery codes, shown once, if it is the first factor.

    Args:
        code: made from it just now: whoever has no working app must not lock themselves out.

    Raises:
        BadInput: not such a code, or there is an app already.
    """
    User.objects.select_for_update().get(pk=user.pk)  # two enrolments at once: one of them comes second
    if has_app(user):
        raise BadInput(_("Signing in takes codes of an app already; switch it off first."))
    counter = _step_of(secret, normalised(code), after=0)
    if counter is None:
        raise BadInput(_("This is not the code of this moment. Is the clock of your device right?"))
    factor = totp.TOTP.activate(user, secret).instance
    factor.data[TAKEN] = counter
    factor.save(update_fields=["data"])
    audit.record(user, "user.second_factor", f"user/{user}")
    return first_recovery_codes(user)


@transaction.atomic
def accept(*, user: User, code: str) -> bool:
    """Whether this is a code of theirs, of the app or for recovery, that was never taken; now it is."""
    typed = normalised(code)
    for factor in Authenticator.objects.select_for_update().filter(user=user).order_by("pk"):
        try:
            if factor.type == Authenticator.Type.TOTP and _take(factor, typed):
                factor.record_usage()
                return True
            if factor.type == Authenticator.Type.RECOVERY_CODES and RecoveryCodes(factor).validate_code(typed):
                factor.record_usage()
                audit.record(user, "user.recovery_code", f"user/{user}")
                return True
        except Unreadable:
            logger.error("a second factor of %s was sealed under another SECRET_KEY", user)  # noqa: TRY400  no fault of the code
    return False


def has_app(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def first_recovery_codes(user: User) -> list[str]:
    """Returns new recovery codes for whoever has none; those who do were shown theirs."""
    if Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).exists():
        return []
    return _unused(RecoveryCodes.activate(user))


def forget_codes_without_factor(user: User) -> None:
    """Recovery codes alone are no second factor."""
    if not second_factors().filter(user=user).exists():
        _forget(user)


def recovery_codes_left(user: User) -> int:
    factor = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return 0 if factor is None else len(_unused(RecoveryCodes(factor)))


@transaction.atomic
def new_recovery_codes(*, user: User) -> list[str]:
    """Returns new recovery codes, shown once; those of before are over.

    Raises:
        BadInput: no second factor to recover from.
    """
    User.objects.select_for_update().get(pk=user.pk)
    if not user.has_second_factor:
        raise BadInput(_("Recovery codes come with a second factor; set one up first."))
    Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
    audit.record(user, "user.recovery_codes", f"user/{user}")
    return _unused(RecoveryCodes.activate(user))


@transaction.atomic
def switch_off(*, user: User) -> None:
    """Signing in asks for the password alone from now on."""
    _forget(user)
    audit.record(user, "user.second_factor_off", f"user/{user}")


@transaction.atomic
def reset(*, user: User, actor: User | None) -> None:
    """Take away the second factor of somebody who lost it, with its recovery codes."""
    _forget(user)
    audit.record(actor, "user.second_factor_reset", f"user/{user}")


def normalised(code: str) -> str:
    """Returns the code as it is compared: without the spaces and dashes people type, digits of any width as ASCII."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", code) if sign.isalnum())


def _take(factor: Authenticator, code: str) -> bool:
    """Take a code of the app; its row is locked, so two requests with one code do not both succeed."""
    secret = get_adapter().decrypt(factor.data["secret"])
    counter = _step_of(secret, code, after=factor.data.get(TAKEN, 0))
    if counter is None:
        return False
    factor.data[TAKEN] = counter
    factor.save(update_fields=["data"])
    return True


def _step_of(secret: str, code: str, *, after: int) -> int | None:
    """The time step whose code this is, of those near now and later than `after`."""
    for counter in totp.yield_hotp_counters_from_time():
        expected = totp.format_hotp_value(totp.hotp_value(secret, counter))
        if counter > after and compare_digest(expected.encode(), code.encode(errors="replace")):
            return int(counter)
    return None


def _unused(codes: RecoveryCodes) -> list[str]:
    return list(codes.get_unused_codes())


def _forget(user: User) -> None:
    Authenticator.objects.filter(user=user).delete()
