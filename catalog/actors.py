"""Who makes a request, and how far their credential reaches: by token, by session, in person.

What they may do with a repo or a namespace is `access`'s to say.
"""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import tokens
from catalog.errors import BadCredentials, NotAllowed, NotSignedIn, SignInAgain
from catalog.models import AccessToken, Reach, User
from catalog.queries import lookups

LAST_USED_STEP = timedelta(minutes=5)  # how stale `last_used_at` may be: one write per step, not per request

RECENT_SIGN_IN: Final = timedelta(hours=1)  # what makes new credentials needs a password typed lately (security 11)
SIGNED_IN_AT: Final = "signed_in_at"  # in the session: unix seconds

REMEMBERED = "marketplace.actor"  # no header can have a name with a dot in lower case


@dataclass(frozen=True)
class Actor:
    """Who makes a request, and how far their credential reaches."""

    user: User | None = None
    token: AccessToken | None = None
    signed_in_at: int = 0  # unix seconds, of a session

    @property
    def is_anonymous(self) -> bool:
        return self.user is None

    @property
    def may_write(self) -> bool:
        """A read token reads, whatever its owner may do; a session does what its owner may.

        A fine-grained token writes where it says so: `can_write` knows, and so does whoever asks `personally`.
        """
        if self.user is None or self.token is None:
            return self.user is not None
        if self.user.reach is not None:
            return self.user.reach.writes_somewhere
        return self.token.role == AccessToken.Role.WRITE

    @property
    def is_whole(self) -> bool:
        """Whether this is all of the person, not just what a fine-grained token names."""
        return self.user is not None and self.user.reach is None


ANONYMOUS = Actor()


def actor_of(request: HttpRequest) -> Actor:
    """Returns who this request comes from; a token, when sent, wins over any cookie (security 1.4).

    Raises:
        BadCredentials: an Authorization header is there but no usable token is in it.
    """
    known = request.META.get(REMEMBERED)
    if isinstance(known, Actor):
        return known
    header = request.headers.get("Authorization", "")
    actor = _actor_of_header(header) if header else _actor_of_session(request)
    request.META[REMEMBERED] = actor  # for this request only: views and tags ask several times
    return actor


def token_actor_of(request: HttpRequest) -> Actor:
    """Like `actor_of`, but cookies do not count: for API routes that change state without CSRF."""
    if request.headers.get("Authorization"):
        return actor_of(request)
    return ANONYMOUS


def signed_in(actor: Actor) -> User:
    """Returns the person. Raises `NotSignedIn` for anonymous requests."""
    if actor.user is None:
        raise NotSignedIn
    return actor.user


def writer(actor: Actor) -> User:
    """Returns the person when their credential may write at all.

    Raises:
        NotSignedIn: anonymous.
        NotAllowed: a read token.
    """
    user = signed_in(actor)
    if not actor.may_write:
        raise NotAllowed(_("this token may only read; use one with the role write"))
    return user


def in_full(actor: Actor) -> User:
    """Returns the person, for what is theirs alone, such as their settings.

    Raises:
        NotSignedIn: anonymous.
        NotAllowed: a fine-grained token, which is for repos.
    """
    user = signed_in(actor)
    if not actor.is_whole:
        raise NotAllowed(_("This token is for some repos only."))
    return user


def personally(actor: Actor) -> User:
    """Like `writer`, for what people do as themselves: rate, like, ask for access. Raises as `writer` and `in_full`."""
    in_full(actor)
    return writer(actor)


def in_person(actor: Actor, *, back: str = "/") -> User:
    """Returns the person when they typed their password lately: whoever holds a token, or finds a browser
    left open, must not be able to make credentials that last longer.

    Args:
        back: where to go on after signing in again.

    Raises:
        NotSignedIn: anonymous.
        NotAllowed: a token.
        SignInAgain: the session is too old.
    """
    user = signed_in(actor)
    if actor.token is not None:
        raise NotAllowed(_("A token cannot do this; sign in."))
    if time.time() - actor.signed_in_at > RECENT_SIGN_IN.total_seconds():
        raise SignInAgain(back=back)
    return user


def note_sign_in(*, request: HttpRequest, **_signal: object) -> None:
    """Remember in the session when it began; Django's `user_logged_in` calls this."""
    request.session[SIGNED_IN_AT] = int(time.time())


def _actor_of_header(header: str) -> Actor:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return _actor_of_token(value.strip())
    if scheme.lower() == "basic":  # git and git-lfs: the password is the token
        try:
            password = base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            raise BadCredentials from None
        return _actor_of_token(password)
    raise BadCredentials


def _actor_of_token(text: str) -> Actor:
    if not tokens.is_well_formed(text):
        raise BadCredentials
    token = lookups.find_token(tokens.digest(text))
    if token is None:
        raise BadCredentials
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_STEP:
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return actor_with(token.user, token)


def actor_with(user: User | None, token: AccessToken | None) -> Actor:
    """The person with this token; a fine-grained one leaves of their rights what it names."""
    if user is not None and token is not None and token.role == AccessToken.Role.FINE_GRAINED:
        user.reach = _reach_of(token)
    return Actor(user=user, token=token)


def _reach_of(token: AccessToken) -> Reach:
    grants = list(token.grants.all())
    return Reach(
        {grant.namespace_id: grant.role for grant in grants if grant.namespace_id is not None},
        {grant.repo_id: grant.role for grant in grants if grant.repo_id is not None},
    )


def _actor_of_session(request: HttpRequest) -> Actor:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not user.is_active:
        return ANONYMOUS
    return Actor(user=user, signed_in_at=request.session.get(SIGNED_IN_AT, 0) if hasattr(request, "session") else 0)
