"""Access requests of gated repos: ask, list, decide, grant."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from catalog import access, actors
from catalog.actions.community import gating
from catalog.actors import Actor
from catalog.errors import BadInput, NotFound
from catalog.hub_api import bodies, wire
from catalog.hub_api.bodies import Json
from catalog.hub_api.keyset import page_of
from catalog.models import AccessRequest, Repo, User


def ask(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    """What the browser's form sends, sent by a program."""
    repo = access.repo_to_read(actor, kind, owner, name)
    user = actors.personally(actor)
    asked = gating.ask_access(repo=repo, actor=user, fields=_fields(request))
    return JsonResponse({"status": asked.state})


def requests(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, state: str) -> HttpResponse:
    repo = access.repo_to_administer(actor, kind, owner, name)
    if state not in AccessRequest.State.values:
        raise NotFound(_("the lists are pending, accepted and rejected"))
    rows = repo.access_requests.filter(state=state).select_related("user")
    return page_of(request, rows, ["access", str(repo.pk), state], _request)


def handle(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    repo = access.repo_to_administer(actor, kind, owner, name)
    user = actors.writer(actor)
    body = bodies.json_body(request)
    decided = gating.decide(
        request=_named(repo, body),
        state=bodies.text_field(body, "status"),
        reason=bodies.optional_text(body, "rejectionReason") or "",
        actor=user,
    )
    return JsonResponse({"status": decided.state})


def grant(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    repo = access.repo_to_administer(actor, kind, owner, name)
    actor_user = actors.writer(actor)
    wanted = bodies.text_field(bodies.json_body(request), "user")
    user = User.objects.filter(namespace__key=wanted.casefold(), is_active=True).first()
    if user is None:
        raise NotFound(_("there is nobody named %(wanted)r") % {"wanted": wanted})
    return JsonResponse(_request(gating.grant(repo=repo, user=user, actor=actor_user)))


def _request(row: AccessRequest) -> dict[str, Any]:
    user = {"user": row.user.username, "fullname": row.user.display_name}
    if row.user.email and not row.is_granted:  # asking shares the address; being given access does not
        user["email"] = row.user.email
    shown: dict[str, Any] = {
        "requestId": row.public_id,
        "status": row.state,
        "timestamp": wire.instant(row.created_at),
        "user": user,
    }
    return shown | ({"fields": row.fields} if row.fields else {})


def _named(repo: Repo, body: Json) -> AccessRequest:
    name, public_id = bodies.optional_text(body, "user"), bodies.optional_text(body, "requestId")
    if (name is None) == (public_id is None):
        raise BadInput(_("name either 'user' or 'requestId'"))
    rows = repo.access_requests.select_related("user", "repo__namespace")
    found = rows.filter(user__namespace__key=name.casefold()) if name is not None else rows.filter(public_id=public_id)
    request = found.first()
    if request is None:
        raise NotFound(_("there is no such access request"))
    return request


def _fields(request: HttpRequest) -> dict[str, str]:
    if not bodies.content_length(request):
        return {}
    given = bodies.form_or_json(request)
    values = {name: value[-1] if isinstance(value, list) and value else value for name, value in given.items()}
    if not all(isinstance(value, str) for value in values.values()):
        raise BadInput(_("every field is a text"))
    return {bodies.storable(name, "field"): bodies.storable(value, name) for name, value in values.items()}
