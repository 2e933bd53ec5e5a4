"""Guards around passwords: how often one may guess, and how a forgotten one is replaced."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from smtplib import SMTPException
from typing import Final

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.utils.translation import gettext as _

from catalog.actions import tallies
from catalog.actions.people.accounts import password_link
from catalog.errors import TooManyRequests
from catalog.models import User
from marketplace.logs import FOR_OPERATOR
from marketplace.networks import network_of

ATTEMPTS: Final = 10  # wrong passwords for one account from one network
ATTEMPTS_ON_ACCOUNT: Final = 100  # for one account from everywhere: many networks guess together
ATTEMPTS_OF_NETWORK: Final = 100  # for all accounts
ATTEMPTS_AT_CODE: Final = 10  # wrong codes for one account from everywhere: only who has the password gets there
LINKS: Final = 5  # one-time links asked for from one network
LINKS_FOR_ACCOUNT: Final = 10  # from everywhere: nobody fills somebody's mailbox
WINDOW_SECONDS: Final = 900

logger = logging.getLogger(__name__)
_letters = ThreadPoolExecutor(max_workers=1, thread_name_prefix="letters")


@dataclass
class Attempt:
    """One try to sign in; it counts as a wrong password unless `succeeded` is set."""

    succeeded: bool = False


@contextmanager
def attempt(name: str, address: str, *, is_code: bool = False) -> Iterator[Attempt]:
    """Count a try before the password is looked at: a hundred at once are a hundred, and all but a few are refused.

    Args:
        is_code: the second step, after the password; it counts as a password does, and more strictly besides.

    Raises:
        TooManyRequests: too many were wrong lately.
    """
    network, account = network_of(address), _digest(name)
    limits = {
        f"sign-in:{account}:{network}": ATTEMPTS,
        f"sign-in:{account}:": ATTEMPTS_ON_ACCOUNT,
        f"sign-in::{network}": ATTEMPTS_OF_NETWORK,
    }
    if is_code:
        limits[f"sign-in-code:{account}"] = ATTEMPTS_AT_CODE
    counted = {key: tallies.add_one(key, window_seconds=WINDOW_SECONDS) for key in limits}
    if any(counted[key] > most for key, most in limits.items()):
        raise TooManyRequests(
            _("Too many wrong passwords or codes. Try again in a quarter of an hour."),
            retry_after_seconds=WINDOW_SECONDS,
        )
    trying = Attempt()
    yield trying
    if trying.succeeded:
        for key in limits:
            tallies.take_one_back(key)


def send_password_link(*, asked: str, address: str, site: str) -> None:
    """Mail a one-time link to whoever has this name or address; silent when there is nobody.

    Without a mail server the link goes to the console, for the operator to hand over. The letter leaves by a
    thread of its own: how long a mail server takes must not tell who has an account.

    Args:
        site: where this site is, without a slash at the end.

    Raises:
        TooManyRequests
    """
    asked = asked.strip()
    of_network = tallies.add_one(f"password-link:{network_of(address)}", window_seconds=WINDOW_SECONDS)
    of_account = tallies.add_one(f"password-link-for:{_digest(asked)}", window_seconds=WINDOW_SECONDS)
    if of_network > LINKS or of_account > LINKS_FOR_ACCOUNT:
        raise TooManyRequests(_("That was often enough for now. Try again later."), retry_after_seconds=WINDOW_SECONDS)
    wanted = Q(namespace__key=asked.casefold()) | Q(email__iexact=asked)
    user = User.objects.filter(wanted, is_active=True).first() if asked else None
    if user is None:
        return
    link = site + password_link(user)
    if settings.EMAIL_URL and user.email:
        words = _("Follow this link within a day to set a new password for %(name)s:\n\n%(link)s\n")
        title = _("A new password for %(site)s") % {"site": settings.SITE_NAME}
        _letters.submit(_mail, title, words % {"name": user.username, "link": link}, user.email)
    else:
        words = "%s asked for a new password; hand over this link: %s"
        logger.warning(words, user.username, link, extra=FOR_OPERATOR)


def _mail(title: str, words: str, to: str) -> None:
    try:
        send_mail(title, words, None, [to])
    except (OSError, SMTPException) as problem:
        logger.error("a letter with a one-time link was not sent: %s", problem)  # noqa: TRY400  no fault of ours to trace


def _digest(name: str) -> str:
    return sha256(name.strip().casefold().encode(errors="replace")).hexdigest()
