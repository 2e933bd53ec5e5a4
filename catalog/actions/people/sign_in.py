"""Guards around passwords: how often one may guess, and how a forgotten one is replaced."""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import Final

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.utils.translation import gettext as _

from catalog.actions import tallies
from catalog.actions.people.accounts import password_link
from catalog.errors import TooManyRequests
from catalog.models import User

ATTEMPTS: Final = 10  # wrong passwords for one account from one address
ATTEMPTS_OF_ADDRESS: Final = 100  # for all accounts
LINKS: Final = 5  # one-time links asked for from one address
WINDOW_SECONDS: Final = 900

logger = logging.getLogger(__name__)


def check_attempts(name: str, address: str) -> None:
    """Raises `TooManyRequests` when somebody has guessed too often lately."""
    counts = tallies.numbers([_key(name, address), _key("", address)])
    if counts.get(_key(name, address), 0) >= ATTEMPTS or counts.get(_key("", address), 0) >= ATTEMPTS_OF_ADDRESS:
        raise TooManyRequests(
            _("Too many wrong passwords. Try again in a quarter of an hour."), retry_after_seconds=WINDOW_SECONDS
        )


def count_failure(name: str, address: str) -> None:
    """Note a wrong password."""
    for key in (_key(name, address), _key("", address)):
        tallies.add_one(key, window_seconds=WINDOW_SECONDS)


def send_password_link(*, asked: str, address: str, site: str) -> None:
    """Mail a one-time link to whoever has this name or address; silent when there is nobody.

    Without a mail server the link goes to the console, for the operator to hand over.

    Args:
        site: where this site is, without a slash at the end.

    Raises:
        TooManyRequests
    """
    if tallies.add_one(f"password-link:{address}", window_seconds=WINDOW_SECONDS) > LINKS:
        raise TooManyRequests(_("That was often enough for now. Try again later."), retry_after_seconds=WINDOW_SECONDS)
    wanted = Q(namespace__key=asked.strip().casefold()) | Q(email__iexact=asked.strip())
    user = User.objects.filter(wanted, is_active=True).first() if asked.strip() else None
    if user is None:
        return
    link = site + password_link(user)
    if settings.EMAIL_URL and user.email:
        words = _("Follow this link within a day to set a new password for %(name)s:\n\n%(link)s\n")
        send_mail(
            _("A new password for %(site)s") % {"site": settings.SITE_NAME},
            words % {"name": user.username, "link": link},
            None,
            [user.email],
        )
    else:
        logger.warning("%s asked for a new password; hand over this link: %s", user.username, link)


def _key(name: str, address: str) -> str:
    return f"sign-in:{sha256(name.strip().casefold().encode()).hexdigest()}:{address}"
