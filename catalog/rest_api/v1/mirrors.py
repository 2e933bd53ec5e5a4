"""Mirrors: repos whose content comes from another hub."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import access, actors
from catalog.actions.mirroring import mirrors
from catalog.actions.mirroring.mirrors import Upstream
from catalog.errors import BadInput
from catalog.models import Mirror, Repo, SyncRun
from catalog.queries import mirror_list
from catalog.queries.paging import LARGEST_PAGE
from catalog.rest_api.v1.base import CURSOR, LIMIT, ApiView, actor_of, next_url
from catalog.upstream import SOURCES


class MirrorIn(serializers.Serializer[object]):
    source = serializers.ChoiceField(  # type: ignore[assignment]  # the wire name; DRF takes declared fields off the class
        choices=sorted(SOURCES), default="huggingface"
    )
    endpoint = serializers.CharField(max_length=300, help_text="Address of the other hub; its host must be allowed.")
    repo = serializers.CharField(max_length=200, help_text="Its id there, `namespace/name`.")
    revision = serializers.CharField(max_length=255, default="main", help_text="Branch, tag or commit there.")
    into = serializers.CharField(max_length=200, help_text="Its id here, `namespace/name`; must be free.")
    kind = serializers.ChoiceField(choices=Repo.Kind.choices, default=Repo.Kind.MODEL)
    visibility = serializers.ChoiceField(
        choices=Repo.Visibility.choices,
        default=Repo.Visibility.PUBLIC,
        help_text="Never wider than upstream's: private until the first sync has seen that it is public there.",
    )
    token = serializers.CharField(
        max_length=500, required=False, default="", allow_blank=True, write_only=True,
        help_text="Token for the other hub; stored encrypted, never shown again.",
    )  # fmt: skip


class SyncProgressOut(serializers.Serializer[object]):
    files_done = serializers.IntegerField()
    files_total = serializers.IntegerField()
    bytes_done = serializers.IntegerField()
    bytes_total = serializers.IntegerField()
    bytes_fetched = serializers.IntegerField(help_text="What came over the network; the rest was here already.")


class MirrorOut(serializers.Serializer[object]):
    id = serializers.IntegerField()
    source = serializers.CharField()  # type: ignore[assignment]  # likewise
    endpoint = serializers.CharField()
    repo = serializers.CharField(help_text="Its id there.")
    revision = serializers.CharField()
    into = serializers.CharField(help_text="Its id here.")
    kind = serializers.CharField()
    upstream_commit = serializers.CharField(help_text="Commit there that we hold; empty before the first sync.")
    upstream_state = serializers.CharField(help_text="unknown, present or gone, when last looked.")
    checked_at = serializers.DateTimeField(allow_null=True)
    licence_evidence = serializers.ListField(child=serializers.DictField())
    state = serializers.ChoiceField(choices=SyncRun.State.choices, help_text="Of the latest sync.")
    progress = SyncProgressOut()
    reason = serializers.CharField(help_text="Why it failed or waits.")
    reason_code = serializers.CharField()
    attempt = serializers.IntegerField()
    not_before = serializers.DateTimeField(allow_null=True, help_text="When a paused sync goes on.")


class MirrorPageOut(serializers.Serializer[object]):
    results = MirrorOut(many=True)
    next = serializers.URLField(allow_null=True)


class MirrorQuery(serializers.Serializer[object]):
    limit = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_PAGE, default=mirror_list.PAGE)
    cursor = serializers.CharField(required=False, default="")


class MirrorListView(ApiView):
    """All mirrors the caller may see."""

    @extend_schema(parameters=[LIMIT, CURSOR], responses=MirrorPageOut)
    def get(self, request: Request) -> Response:
        """Mirrors, newest first."""
        asked = MirrorQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        page = mirror_list.find_mirrors(actor_of(request).user, **asked.validated_data)
        answer = {
            "results": [_shown(mirror, run) for mirror, run in page.items],
            "next": next_url(request, page.next_cursor),
        }
        return Response(MirrorPageOut(answer).data)

    @extend_schema(request=MirrorIn, responses={201: MirrorOut})
    def post(self, request: Request) -> Response:
        """Mirror a repo of another hub into a new, read-only repo here; the first sync is queued at once."""
        actor = actor_of(request)
        user = actors.writer(actor)
        form = MirrorIn(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        owner, slash, name = asked["into"].partition("/")
        if not slash:
            raise BadInput(_("`into` must look like namespace/name"))
        run = mirrors.add_mirror(
            upstream=Upstream(
                source=asked["source"], endpoint=asked["endpoint"], name=asked["repo"],
                revision=asked["revision"], kind=asked["kind"], token=asked["token"],
            ),
            namespace=access.namespace_to_create_in(actor, owner),
            name=name,
            visibility=asked["visibility"],
            actor=user,
        )  # fmt: skip
        return Response(MirrorOut(_shown(run.mirror, run)).data, status=201)


class MirrorView(ApiView):
    @extend_schema(responses=MirrorOut)
    def get(self, request: Request, mirror_id: int) -> Response:
        """One mirror and how its latest sync stands."""
        mirror = mirror_list.mirror_to_read(actor_of(request).user, mirror_id)
        return Response(MirrorOut(_shown(mirror, mirror.sync_runs.latest("pk"))).data)


class MirrorSyncView(ApiView):
    @extend_schema(request=None, responses=MirrorOut)
    def post(self, request: Request, mirror_id: int) -> Response:
        """Look for what is new upstream, now; joins a sync that is under way."""
        actor = actor_of(request)
        mirror = mirror_list.mirror_to_read(actor.user, mirror_id)
        owner = mirror.repo.namespace.name
        access.repo_to_administer(actor, mirror.repo.kind, owner, mirror.repo.name)
        run = mirrors.request_sync(mirror=mirror, actor=actor)
        return Response(MirrorOut(_shown(mirror, run)).data)


def _shown(mirror: Mirror, run: SyncRun | None) -> dict[str, object]:
    run = run or SyncRun(mirror=mirror)
    return {
        "id": mirror.pk,
        "source": mirror.source,
        "endpoint": mirror.endpoint,
        "repo": mirror.upstream_name,
        "revision": mirror.revision,
        "into": mirror.repo.full_name,
        "kind": mirror.repo.kind,
        "upstream_commit": mirror.upstream_oid,
        "upstream_state": mirror.upstream_state,
        "checked_at": mirror.checked_at,
        "licence_evidence": mirror.licence_evidence,
        "state": run.state,
        "progress": run.progress,
        "reason": run.reason,
        "reason_code": run.reason_code,
        "attempt": run.attempt,
        "not_before": run.not_before,
    }
