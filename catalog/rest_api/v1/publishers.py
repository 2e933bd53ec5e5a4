"""Trusted publishers: CI jobs that may write without a secret. A person who signed in lately names them, no token."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import access, actors
from catalog.actions.people import trusted_publishers
from catalog.actions.people.trusted_publishers import Place
from catalog.errors import NotFound
from catalog.models import Repo, TrustedPublisher
from catalog.rest_api.v1.base import OWNER, REPO_PATH, ApiView, actor_of

PUBLISHER_ID = OpenApiParameter("publisher_id", int, OpenApiParameter.PATH, description="`id` from the list.")


class PublisherIn(serializers.Serializer[object]):
    issuer = serializers.CharField(max_length=500, help_text="Who signs the tokens of the jobs; one this site takes.")
    claims = serializers.DictField(
        child=serializers.CharField(max_length=trusted_publishers.LONGEST_CLAIM, trim_whitespace=False),
        help_text="What a token has to say, word by word, such as `repository` and `environment`.",
    )


class PublisherOut(serializers.Serializer[TrustedPublisher]):
    id = serializers.IntegerField()
    issuer = serializers.CharField()
    claims = serializers.DictField(child=serializers.CharField())
    created_by = serializers.CharField(source="created_by.username", help_text="As whom the jobs write.")
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class PublisherPageOut(serializers.Serializer[object]):
    results = PublisherOut(many=True)
    next = serializers.URLField(allow_null=True)


class PublisherListView(ApiView):
    """Which jobs may write to one repo."""

    kind: str = Repo.Kind.MODEL

    @extend_schema(parameters=REPO_PATH, responses=PublisherPageOut)
    def get(self, request: Request, owner: str, name: str) -> Response:
        """The trusted publishers of a repo, newest first; those of its namespace are listed there."""
        return _listed(access.repo_to_administer(actor_of(request), self.kind, owner, name))

    @extend_schema(parameters=REPO_PATH, request=PublisherIn, responses={201: PublisherOut})
    def post(self, request: Request, owner: str, name: str) -> Response:
        """Trust jobs to write to a repo. Only from a session that began within the last hour, never with a token."""
        return _added(request, access.repo_to_administer(actor_of(request), self.kind, owner, name))


class PublisherView(ApiView):
    kind: str = Repo.Kind.MODEL

    @extend_schema(parameters=[*REPO_PATH, PUBLISHER_ID], responses={204: None})
    def delete(self, request: Request, owner: str, name: str, publisher_id: int) -> Response:
        """Trust these jobs no longer; tokens they hold stop working at once."""
        return _removed(request, access.repo_to_administer(actor_of(request), self.kind, owner, name), publisher_id)


class NamespacePublisherListView(ApiView):
    """Which jobs may write to all repos of one user or team."""

    @extend_schema(parameters=[OWNER], responses=PublisherPageOut)
    def get(self, request: Request, owner: str) -> Response:
        """The trusted publishers of all repos of a user or team, newest first."""
        return _listed(access.namespace_to_manage(actor_of(request), owner))

    @extend_schema(parameters=[OWNER], request=PublisherIn, responses={201: PublisherOut})
    def post(self, request: Request, owner: str) -> Response:
        """Trust jobs to write to any repo of a user or team. Only from a session that began within the last hour."""
        return _added(request, access.namespace_to_manage(actor_of(request), owner))


class NamespacePublisherView(ApiView):
    @extend_schema(parameters=[OWNER, PUBLISHER_ID], responses={204: None})
    def delete(self, request: Request, owner: str, publisher_id: int) -> Response:
        """Trust these jobs no longer; tokens they hold stop working at once."""
        return _removed(request, access.namespace_to_manage(actor_of(request), owner), publisher_id)


def _listed(place: Place) -> Response:
    return Response(PublisherPageOut({"results": trusted_publishers.publishers_of(place), "next": None}).data)


def _added(request: Request, place: Place) -> Response:
    user = actors.in_person(actor_of(request))
    asked = PublisherIn(data=request.data)
    asked.is_valid(raise_exception=True)
    return Response(
        PublisherOut(trusted_publishers.add(place=place, actor=user, **asked.validated_data)).data, status=201
    )


def _removed(request: Request, place: Place, publisher_id: int) -> Response:
    publisher = trusted_publishers.publishers_of(place).filter(pk=publisher_id).first()
    if publisher is None:
        raise NotFound
    trusted_publishers.remove(publisher=publisher, actor=actors.writer(actor_of(request)))
    return Response(status=204)
