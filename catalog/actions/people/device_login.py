"""Signing in a program through a browser: it shows a code, a signed-in person approves it (RFC 8628)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import tokens
from catalog.actions import audit, tallies
from catalog.actions.people import accounts
from catalog.errors import BadInput, NotFound, TooManyRequests
from catalog.models import AccessToken, DeviceLogin, RefreshToken, User

LIFETIME: Final = timedelta(minutes=15)
INTERVAL_SECONDS: Final = 5  # between two polls
SLOWER_SECONDS: Final = 5  # more, for who polls too often
TOKEN_DAYS: Final = 30
REFRESH_LIFETIME: Final = timedelta(days=90)
MOST_STARTS: Final = 30  # from one address in `WINDOW_SECONDS`
WINDOW_SECONDS: Final = 900
LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels: no words; nothing that looks like a digit
LONGEST_NOTE: Final = 200
LONGEST_CLIENT_ID: Final = 100


class OAuthRefusal(Exception):
    """What the token endpoint answers instead of a token; `code` is the protocol's word."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.description = description


@dataclass(frozen=True)
class Grant:
    """A new access token, and what renews it."""

    access_token: str
    refresh_token: str
    expires_in: int  # seconds


def start(*, client_id: str, note: str, address: str) -> tuple[DeviceLogin, str]:
    """Returns a login that waits for approval, and the secret the program polls with.

    Raises:
        BadInput: no usable client id.
        TooManyRequests: from this address.
    """
    if not (0 < len(client_id) <= LONGEST_CLIENT_ID and client_id.isprintable()):
        raise BadInput("client_id is missing or too long")
    if tallies.add_one(f"device-login:{address}", window_seconds=WINDOW_SECONDS) > MOST_STARTS:
        raise TooManyRequests(_("That was often enough for now. Try again later."), retry_after_seconds=WINDOW_SECONDS)
    DeviceLogin.objects.filter(expires_at__lt=timezone.now()).delete()
    secret = secrets.token_urlsafe(32)
    login = DeviceLogin.objects.create(
        device_digest=tokens.digest(secret),
        user_code=_user_code(),
        client_id=client_id,
        client_note=note[:LONGEST_NOTE],
        expires_at=timezone.now() + LIFETIME,
        interval_seconds=INTERVAL_SECONDS,
    )
    return login, secret


def waiting(user_code: str) -> DeviceLogin:
    """Returns the login that shows this code. Raises `NotFound` when it is over or never was."""
    plain = "".join(char for char in user_code.upper() if char in LETTERS)
    found = DeviceLogin.objects.filter(
        user_code=f"{plain[:4]}-{plain[4:]}", state=DeviceLogin.State.WAITING, expires_at__gt=timezone.now()
    ).first()
    if found is None:
        raise NotFound(_("No program waits with this code; it may have run out."))
    return found


@transaction.atomic
def decide(*, login: DeviceLogin, user: User, approved: bool, role: str) -> None:
    """Let the program act for this person with this role, or send it away.

    Raises:
        BadInput: no such role.
        NotFound: decided meanwhile.
    """
    if role not in (AccessToken.Role.READ, AccessToken.Role.WRITE):
        raise BadInput("A token's role is read or write.")
    state = DeviceLogin.State.APPROVED if approved else DeviceLogin.State.DENIED
    changed = DeviceLogin.objects.filter(pk=login.pk, state=DeviceLogin.State.WAITING).update(
        state=state, user=user, role=role
    )
    if not changed:
        raise NotFound(_("This was decided meanwhile."))
    audit.record(user, f"device.{state.value}", f"user/{user}", client=login.client_id, role=role)


def redeem(*, device_code: str, client_id: str) -> Grant:
    """Returns the token of an approved login, once.

    Raises:
        OAuthRefusal: not approved yet, refused, over or unknown; a wait that is too short grows.
    """
    refusal: OAuthRefusal | None = None
    with transaction.atomic():  # the refusal leaves it committed: the time of this poll counts
        login = (
            DeviceLogin.objects.select_for_update()
            .filter(device_digest=tokens.digest(device_code), client_id=client_id)
            .first()
        )
        now = timezone.now()
        refusal = _refusal(login, now)
        if login is not None and refusal is None:
            login.state = DeviceLogin.State.USED
            login.save(update_fields=["state"])
            assert login.user_id is not None
            user = User.objects.get(pk=login.user_id)
            return _mint(user, role=login.role, name=f"sign-in {login.user_code}", client_id=client_id)
        if login is not None:
            login.polled_at = now
            login.save(update_fields=["polled_at", "interval_seconds"])
    assert refusal is not None
    raise refusal


@transaction.atomic
def renew(*, refresh_token: str, client_id: str) -> Grant:
    """Returns a new token for an old one's refresh token; both old ones end here.

    Raises:
        OAuthRefusal: unknown, used, over, or its owner is blocked.
    """
    refresh = (
        RefreshToken.objects.select_for_update(of=("self",))
        .select_related("token__user")
        .filter(digest=tokens.digest(refresh_token), client_id=client_id, expires_at__gt=timezone.now())
        .first()
    )
    if refresh is None or not refresh.token.user.is_active:
        raise OAuthRefusal("invalid_grant", "the refresh token is not valid any more")
    old = refresh.token
    name, role, user = old.name, old.role, old.user
    old.delete()  # and the refresh token with it
    return _mint(user, role=role, name=name, client_id=client_id)


def _refusal(login: DeviceLogin | None, now: datetime) -> OAuthRefusal | None:
    if login is None or login.state == DeviceLogin.State.USED:
        return OAuthRefusal("invalid_grant", "the device code is not valid")
    if login.expires_at <= now:
        return OAuthRefusal("expired_token", "the device code has run out")
    if login.state == DeviceLogin.State.DENIED:
        return OAuthRefusal("access_denied", "the person said no")
    if login.state == DeviceLogin.State.APPROVED:
        return None if login.user is not None and login.user.is_active else OAuthRefusal("access_denied")
    if login.polled_at is not None and now - login.polled_at < timedelta(seconds=login.interval_seconds - 1):
        login.interval_seconds += SLOWER_SECONDS
        return OAuthRefusal("slow_down", "poll less often")
    return OAuthRefusal("authorization_pending", "nobody has approved this yet")


def _mint(user: User, *, role: str, name: str, client_id: str) -> Grant:
    token, secret = accounts.create_token(user=user, name=name, role=role, lifetime_days=TOKEN_DAYS)
    refresh = secrets.token_urlsafe(32)
    RefreshToken.objects.create(
        token=token,
        digest=tokens.digest(refresh),
        client_id=client_id,
        expires_at=timezone.now() + REFRESH_LIFETIME,
    )
    return Grant(secret, refresh, int(timedelta(days=TOKEN_DAYS).total_seconds()))


def _user_code() -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"
