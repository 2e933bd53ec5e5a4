"""Who asks: an access token, and no cookie beside it. `settings.py` makes this every API view's default."""

from __future__ import annotations

from typing import cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from catalog import actors
from catalog.models import AccessToken, User


class BearerAuthentication(BaseAuthentication):
    """An access token in the Authorization header; cookies do not count beside it."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken] | None:
        if not request.headers.get("Authorization"):
            return None
        actor = actors.actor_of(request._request)  # noqa: SLF001  DRF's name for Django's request
        return cast("tuple[User, AccessToken]", (actor.user, actor.token))

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'
