"""Deleted repos that can still come back."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import access, actors
from catalog.actions.upkeep import purge
from catalog.errors import BadInput
from catalog.models import Repo
from catalog.parsing.names import LONGEST_NAME
from catalog.queries import deleted_repos
from catalog.queries.deleted_repos import DeletedRepo
from catalog.queries.paging import LARGEST_PAGE
from catalog.rest_api.v1.base import CURSOR, LIMIT, ApiView, actor_of, next_url

REPO_ID = OpenApiParameter("repo_id", str, OpenApiParameter.PATH, description="`id` from the list.")
CONFIRM = OpenApiParameter("confirm", str, required=True, description="The full name of the repo, `ns/name`.")


class DeletedRepoOut(serializers.Serializer[DeletedRepo]):
    id = serializers.CharField(source="repo.public_id")
    kind = serializers.ChoiceField(choices=Repo.Kind.choices, source="repo.kind")
    name = serializers.CharField(source="repo.full_name", help_text="What it was called, `ns/name`.")
    visibility = serializers.ChoiceField(choices=Repo.Visibility.choices, source="repo.visibility")
    size_bytes = serializers.IntegerField(help_text="What its files weigh, each content once.")
    deleted_at = serializers.DateTimeField()
    restorable_until = serializers.DateTimeField()
    name_is_taken = serializers.BooleanField(help_text="Another repo has the name by now: restore it under a new one.")


class DeletedRepoPageOut(serializers.Serializer[object]):
    results = DeletedRepoOut(many=True)
    next = serializers.URLField(allow_null=True)


class DeletedRepoQuery(serializers.Serializer[object]):
    owner = serializers.CharField(required=False, default="", max_length=LONGEST_NAME)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_PAGE, default=deleted_repos.PAGE)
    cursor = serializers.CharField(required=False, default="")


class RestoreIn(serializers.Serializer[object]):
    name = serializers.CharField(
        required=False, allow_null=True, default=None, max_length=LONGEST_NAME,
        help_text="Another name in the same namespace, without it.",
    )  # fmt: skip


class RestoredOut(serializers.Serializer[Repo]):
    kind = serializers.ChoiceField(choices=Repo.Kind.choices)
    name = serializers.CharField(source="full_name")
    visibility = serializers.ChoiceField(choices=Repo.Visibility.choices)


class DeletedRepoListView(ApiView):
    """What the caller may bring back."""

    @extend_schema(
        parameters=[OpenApiParameter("owner", str, description="Only of this user or team."), LIMIT, CURSOR],
        responses=DeletedRepoPageOut,
    )
    def get(self, request: Request) -> Response:
        """Your deleted repos and those of teams you administer, latest first; administrators see all."""
        user = actors.in_full(actor_of(request))
        asked = DeletedRepoQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        page = deleted_repos.find_restorable(user, **asked.validated_data)
        answer = {"results": page.items, "next": next_url(request, page.next_cursor)}
        return Response(DeletedRepoPageOut(answer).data)


class DeletedRepoView(ApiView):
    @extend_schema(parameters=[REPO_ID, CONFIRM], responses={204: None})
    def delete(self, request: Request, repo_id: str) -> Response:
        """Delete for good: it cannot be restored any more, and its bytes are collected."""
        actor = actor_of(request)
        repo = access.deleted_repo_to_manage(actor, repo_id)
        if request.query_params.get("confirm") != repo.full_name:
            raise BadInput(_("`confirm` must be the full name of the repo, %(name)s") % {"name": repo.full_name})
        purge.give_up(repo=repo, actor=actors.personally(actor))
        return Response(status=204)


class RestoreView(ApiView):
    @extend_schema(parameters=[REPO_ID], request=RestoreIn, responses=RestoredOut)
    def post(self, request: Request, repo_id: str) -> Response:
        """Bring it back as it was. 409 when the name is in use by now, 413 when the quota has no room for it."""
        actor = actor_of(request)
        repo = access.deleted_repo_to_manage(actor, repo_id)
        asked = RestoreIn(data=request.data)
        asked.is_valid(raise_exception=True)
        restored = purge.undelete(repo=repo, name=asked.validated_data["name"], actor=actors.personally(actor))
        return Response(RestoredOut(restored).data)
