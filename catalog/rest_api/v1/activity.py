"""What happened lately, as far as the caller may see it."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import access, actors
from catalog.actors import Actor
from catalog.errors import BadInput
from catalog.models import Repo
from catalog.queries import activity
from catalog.queries.activity import Happening, Scope
from catalog.queries.paging import LARGEST_PAGE
from catalog.rest_api.v1.base import CURSOR, LIMIT, ApiView, actor_of, next_url

WHAT = [
    (what, what)
    for what in (
        *("repo", "restored", "moved", "commit", "tag", "discussion", "pull_request", "comment"),
        *("merged", "closed", "reopened", "like", "score"),
    )
]


class HappeningOut(serializers.Serializer[Happening]):
    id = serializers.CharField(source="key")
    at = serializers.DateTimeField()
    what = serializers.ChoiceField(choices=WHAT)
    actor = serializers.CharField(source="actor.username", default="", help_text="Empty where nobody is named.")
    kind = serializers.ChoiceField(choices=Repo.Kind.choices, source="repo.kind")
    repo = serializers.CharField(source="repo.full_name", help_text="As it is called now.")
    path = serializers.CharField(help_text="Of the page about it, on this site.")
    title = serializers.CharField(help_text="Of the commit, discussion, tag or benchmark, as it is now.")
    num = serializers.IntegerField(allow_null=True, help_text="Of the discussion or pull request.")
    commit = serializers.CharField(source="oid")
    ref = serializers.CharField(source="name", help_text="The branch or tag, or the number of the pull request.")
    score = serializers.FloatField(source="score.value", default=None, allow_null=True)


class ActivityPageOut(serializers.Serializer[object]):
    results = HappeningOut(many=True)
    next = serializers.URLField(allow_null=True)


class ActivityQuery(serializers.Serializer[object]):
    repo = serializers.CharField(required=False, default="", max_length=200)
    kind = serializers.ChoiceField(choices=Repo.Kind.choices, default=Repo.Kind.MODEL)
    owner = serializers.CharField(required=False, default="", max_length=100)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_PAGE, default=activity.PAGE)
    cursor = serializers.CharField(required=False, default="")


class ActivityListView(ApiView):
    """A feed of one repo, one owner, or of all that the caller watches."""

    @extend_schema(
        parameters=[
            OpenApiParameter("repo", str, description="`ns/name`: what happened in this repo."),
            OpenApiParameter("kind", str, enum=Repo.Kind.values, description="Of `repo`; `model` unless given."),
            OpenApiParameter("owner", str, description="A user or team: in their repos, and what the person did."),
            LIMIT,
            CURSOR,
        ],
        responses=ActivityPageOut,
    )
    def get(self, request: Request) -> Response:
        """Newest first. Without `repo` and `owner`: your repos and teams, what you like, and whom you follow.

        A page may hold less than `limit` and still have a `next`.
        """
        actor = actor_of(request)
        asked = ActivityQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        scope = _scope(actor, wanted["repo"], wanted["kind"], wanted["owner"])
        page = activity.activity(scope, reader=actor.user, cursor=wanted["cursor"], limit=wanted["limit"])
        answer = {"results": page.items, "next": next_url(request, page.next_cursor)}
        return Response(ActivityPageOut(answer).data)


def _scope(actor: Actor, repo: str, kind: str, owner: str) -> Scope:
    if repo:
        namespace, slash, name = repo.partition("/")
        if not slash or owner:
            raise BadInput(_("`repo` looks like namespace/name, and goes without `owner`"))
        return Scope(repo=access.repo_to_read(actor, kind, namespace, name))
    if owner:
        return Scope(namespace=access.namespace_named(owner))
    return Scope(watcher=actors.signed_in(actor))
