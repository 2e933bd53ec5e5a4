"""Mirrors: repos whose content comes from another hub (decision 20)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import jobs
from catalog.actions import audit, repos
from catalog.actors import Actor, signed_in
from catalog.errors import BadInput
from catalog.models import Mirror, Namespace, Repo, SyncRun, User
from catalog.parsing.names import check_revision_name
from catalog.sealing import seal
from catalog.upstream import SOURCES, AllowList

_COMMIT_ID: Final = re.compile(r"[0-9a-f]{5,64}")


@dataclass(frozen=True)
class Upstream:
    """What to mirror, as a person states it."""

    source: str
    endpoint: str
    name: str
    revision: str = "main"
    kind: str = Repo.Kind.MODEL
    token: str = ""


def allow_list() -> AllowList:
    return AllowList.of(settings.MIRROR_ALLOWED_HOSTS)


@transaction.atomic
def add_mirror(*, upstream: Upstream, namespace: Namespace, name: str, visibility: str, actor: User) -> SyncRun:
    """Create a read-only repo for `upstream` and queue its first sync.

    The repo is private until the first sync has seen that upstream is public and not gated.

    Raises:
        UpstreamNotAllowed: the host is off the list.
        BadInput, InvalidReference, InvalidName, NameTaken: as their messages say; nothing was written.
    """
    if upstream.source not in SOURCES:
        raise BadInput(
            _("unknown source %(source)r; known: %(names)s")
            % {"source": upstream.source, "names": ", ".join(sorted(SOURCES))}
        )
    endpoint = _clean_endpoint(upstream.endpoint)
    owner, slash, rest = upstream.name.partition("/")
    if not (owner and (rest or not slash)) or "/" in rest:
        raise BadInput(_("`repo` must look like namespace/name"))
    revision = upstream.revision or "main"
    if not _COMMIT_ID.fullmatch(revision):
        check_revision_name(revision.removeprefix("refs/"))
    repo = repos.create_repo(
        namespace=namespace, kind=upstream.kind, name=name, visibility=Repo.Visibility.PRIVATE,
        actor=actor, initial_commit=False,
    )  # fmt: skip
    mirror = Mirror.objects.create(
        repo=repo,
        source=upstream.source,
        endpoint=endpoint,
        upstream_name=upstream.name,
        revision=revision,
        wanted_visibility=visibility,
        token_sealed=seal(upstream.token) if upstream.token else None,
        created_by=actor,
    )
    audit.record(actor, "mirror.add", audit.name_of(repo), source=str(mirror), endpoint=endpoint)
    return _queue(mirror, actor)


def request_sync(*, mirror: Mirror, actor: Actor) -> SyncRun:
    """Returns the mirror's active sync run, a new one when there is none."""
    user = signed_in(actor)
    try:
        with transaction.atomic():
            return _queue(mirror, user)
    except IntegrityError:  # one is active: the constraint decides, so two requests cannot race
        run = mirror.sync_runs.filter(state__in=SyncRun.ACTIVE).latest("pk")
        if run.state == SyncRun.State.PAUSED:  # somebody does not want to wait
            SyncRun.objects.filter(pk=run.pk, state=SyncRun.State.PAUSED).update(not_before=timezone.now())
            jobs.sync_mirror(run)
            run.refresh_from_db()
        return run


def _queue(mirror: Mirror, user: User) -> SyncRun:
    run = SyncRun.objects.create(mirror=mirror, requested_by=user)
    jobs.sync_mirror(run)
    return run


def _clean_endpoint(endpoint: str) -> str:
    parts = allow_list().check_url(endpoint.strip())
    if parts.query or parts.fragment:
        raise BadInput(_("the endpoint must not contain a query or a fragment"))
    return urlunsplit(urlsplit(endpoint.strip())).rstrip("/")
