"""Access tokens of the caller. A new one needs a person who signed in lately: a token cannot mint tokens."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import access, actors
from catalog.actions.people import accounts
from catalog.errors import NotAllowed, NotFound
from catalog.models import AccessToken, TokenGrant
from catalog.rest_api.v1.base import ApiView, actor_of


class GrantIn(serializers.Serializer[object]):
    on = serializers.CharField(
        max_length=250, help_text="A user or team, or one repo: `models/ns/name`, `datasets/ns/name`, `spaces/ns/name`."
    )
    role = serializers.ChoiceField(
        choices=TokenGrant.Role.choices, help_text="`admin` is `write`, settings and deletion besides."
    )


class TokenIn(serializers.Serializer[object]):
    name = serializers.CharField(max_length=100)
    role = serializers.ChoiceField(choices=AccessToken.Role.choices)
    grants = serializers.ListField(
        child=GrantIn(), required=False, default=list, max_length=accounts.MOST_GRANTS,
        help_text="Only with the role `fineGrained`: beyond what is public the token sees and does nothing else.",
    )  # fmt: skip
    lifetime_days = serializers.IntegerField(
        required=False, min_value=1, max_value=accounts.LONGEST_TOKEN_LIFETIME_DAYS, default=90
    )


class TokenOut(serializers.Serializer[AccessToken]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=AccessToken.Role.choices)
    last_four = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class NewTokenOut(TokenOut):
    token = serializers.CharField(help_text="The secret. It is shown this once and stored nowhere.")


class TokenListOut(serializers.Serializer[object]):
    results = TokenOut(many=True)
    next = serializers.URLField(allow_null=True)


class TokenListView(ApiView):
    """The caller's tokens."""

    @extend_schema(responses=TokenListOut)
    def get(self, request: Request) -> Response:
        """Your tokens, newest first, without their secrets."""
        user = actors.in_full(actor_of(request))
        return Response(TokenListOut({"results": user.tokens.order_by("-pk"), "next": None}).data)

    @extend_schema(request=TokenIn, responses={201: NewTokenOut})
    def post(self, request: Request) -> Response:
        """Make a token. Only from a session that began within the last hour, never with a token."""
        user = actors.in_person(actor_of(request))
        asked = TokenIn(data=request.data)
        asked.is_valid(raise_exception=True)
        told = asked.validated_data
        grants = [
            (access.place_to_grant(actor_of(request), grant["on"]), grant["role"]) for grant in told.pop("grants")
        ]
        token, secret = accounts.create_token(user=user, grants=grants, **told)
        body = {**TokenOut(token).data, "token": secret}
        return Response(body, status=201, headers={"Cache-Control": "no-store"})


class TokenView(ApiView):
    """One token of the caller."""

    @extend_schema(parameters=[OpenApiParameter("token_id", int, OpenApiParameter.PATH)], responses={204: None})
    def delete(self, request: Request, token_id: int) -> Response:
        """Revoke a token: any of yours in a session; with a token, that token alone."""
        actor = actor_of(request)
        user = actors.signed_in(actor)
        token = user.tokens.filter(pk=token_id).first()
        if token is None:
            raise NotFound(_("You have no such token."))
        if actor.token is not None and actor.token != token:
            raise NotAllowed(_("A token may revoke only itself; sign in to revoke others."))
        accounts.revoke_token(token=token, actor=user)
        return Response(status=204)
