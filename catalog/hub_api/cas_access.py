"""Xet access tokens: signed, for an hour, bound to a person, their credential, one repo and one scope.

They are not the user's token: whoever takes one from a log can send chunks to one repo for a while, no more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from django.core import signing
from django.http import HttpRequest
from django.utils.translation import gettext as _

from catalog import access, actors, discussion_access
from catalog.actors import Actor
from catalog.errors import BadCredentials, NotAllowed
from catalog.models import AccessToken, Repo, User

LIFETIME_SECONDS: Final = 3600
READ, WRITE = "read", "write"
_SALT: Final = "hub-api.xet"


@dataclass(frozen=True)
class XetActor(Actor):
    """Who talks to the Xet store, about which repo, and whether they may send."""

    repo: Repo | None = None
    scope: str = READ


def new_token(actor: Actor, repo: Repo, scope: str) -> tuple[str, int]:
    """Returns the token and the unix second it expires."""
    user_id, token_id = actor.user.pk if actor.user else 0, actor.token.pk if actor.token else 0
    named = [user_id, token_id, repo.kind, repo.namespace.name, repo.name, scope]
    return signing.dumps(named, salt=_SALT), int(time.time()) + LIFETIME_SECONDS


def bearer(request: HttpRequest) -> XetActor:
    """Returns who holds this token, with the rights they have now, not those of an hour ago.

    Raises:
        BadCredentials: no token of ours, expired, or the credential behind it was revoked.
        RepoNotFound, NotSignedIn, NotAllowed: the right is gone.
    """
    user_id, token_id, kind, owner, name, scope = _opened(request.headers.get("Authorization", ""))
    user = User.objects.filter(pk=user_id, is_active=True).first() if user_id else None
    token = AccessToken.objects.usable().filter(pk=token_id).first() if token_id else None
    if (user_id and user is None) or (token_id and token is None):
        raise BadCredentials
    actor = actors.actor_with(user, token)
    find = discussion_access.repo_to_upload_to if scope == WRITE else access.repo_to_download
    return XetActor(user=user, token=token, repo=find(actor, kind, owner, name, follow=True), scope=scope)


def holder(request: HttpRequest) -> int | None:
    """The account a token was made for, by its signature alone: who to count a request for, not what it may do."""
    try:
        return _opened(request.headers.get("Authorization", ""))[0] or None
    except BadCredentials:
        return None


def sender(actor: XetActor) -> tuple[User, Repo]:
    """Returns who sends to which repo. Raises `NotAllowed` for a token that only reads."""
    if actor.scope != WRITE or actor.user is None or actor.repo is None:
        raise NotAllowed(_("this Xet token may only read"))
    return actor.user, actor.repo


def _opened(header: str) -> tuple[int, int, str, str, str, str]:
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer":
        raise BadCredentials
    try:
        user_id, token_id, kind, owner, name, scope = signing.loads(text.strip(), salt=_SALT, max_age=LIFETIME_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        raise BadCredentials from None
    return user_id, token_id, kind, owner, name, scope
