"""The life of a repo: create, delete, settings."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _

from catalog import access, actors
from catalog.actions import repos
from catalog.actions.community import discussions
from catalog.actors import Actor
from catalog.errors import BadInput, NameTaken, NotServed
from catalog.hub_api import wire
from catalog.hub_api.bodies import Json, json_body, optional_text, text_field
from catalog.models import Repo

KNOWN_TO_OTHERS = ("kernel", "bucket")  # repo types of the public Hub that this server does not keep


def create(request: HttpRequest, actor: Actor) -> JsonResponse:
    user = actors.writer(actor)
    body = json_body(request)
    kind = kind_of(body)
    owner, name = _owner_and_name(body)
    namespace = access.namespace_to_create_in(actor, owner)
    sdk = optional_text(body, "sdk") or "" if kind == Repo.Kind.SPACE else ""
    visibility = visibility_of(body)
    try:
        repo = repos.create_repo(namespace=namespace, kind=kind, name=name, visibility=visibility, sdk=sdk, actor=user)
    except NameTaken:
        existing = access.repo_to_read(actor, kind, namespace.name, name)
        url = wire.repo_url(request, existing)  # what `exist_ok=True` goes on with
        raise NameTaken(_("You already created this %(kind)s repo") % {"kind": kind}, url=url) from None
    return JsonResponse({"url": wire.repo_url(request, repo), "name": repo.full_name, "id": repo.public_id})


def delete(request: HttpRequest, actor: Actor) -> JsonResponse:
    user = actors.signed_in(actor)
    body = json_body(request)
    owner, name = _owner_and_name(body)
    repo = access.repo_to_administer(actor, kind_of(body), owner or user.username, name)
    repos.delete_repo(repo=repo, actor=user)
    return JsonResponse({})


def settings(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    repo = access.repo_to_administer(actor, kind, owner, name)
    user = actors.writer(actor)
    body = json_body(request)
    disabled = body.get("discussionsDisabled")
    if disabled is not None and not isinstance(disabled, bool):
        raise BadInput(_("'discussionsDisabled' must be true or false"))
    repos.change_settings(repo=repo, visibility=visibility_of(body), gate=_gate(body), actor=user)
    if disabled is not None:
        discussions.switch(repo=repo, disabled=disabled, actor=user)
    gated = repo.gate or False
    told = {"visibility": repo.visibility, "private": repo.is_private, "gated": gated}
    return JsonResponse({**told, "discussionsDisabled": repo.discussions_disabled})


def may_read(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    access.repo_to_download(actor, kind, owner, name)
    return JsonResponse({})


def may_write(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    access.repo_to_write(actor, kind, owner, name)
    return JsonResponse({})


def kind_of(body: Json) -> str:
    kind = body.get("type") or Repo.Kind.MODEL.value
    if kind in KNOWN_TO_OTHERS:
        raise NotServed(_("this server keeps models, datasets and spaces, no %(kind)ss") % {"kind": kind})
    if kind not in Repo.Kind.values:
        raise BadInput(_("'type' must be model, dataset or space"))
    return str(kind)


def _owner_and_name(body: Json) -> tuple[str | None, str]:
    """Old clients put `ns/name` into `name`."""
    name = text_field(body, "name")
    owner = optional_text(body, "organization")
    if owner is None and "/" in name:
        owner, _, name = name.partition("/")
    return owner, name


def _gate(body: Json) -> str | None:
    """Returns the gate asked for, None when the caller said nothing."""
    asked = body.get("gated")
    if asked is None:
        return None
    if asked is False:
        return Repo.Gate.OPEN.value
    if asked not in (Repo.Gate.AUTO.value, Repo.Gate.MANUAL.value):
        raise BadInput(_("'gated' must be auto, manual or false"))
    return str(asked)


def visibility_of(body: Json) -> str | None:
    """Returns the visibility asked for, None when the caller said nothing."""
    asked = optional_text(body, "visibility")
    if asked is not None:
        if asked not in Repo.Visibility.values:
            raise BadInput(_("'visibility' must be public or private"))
        return asked
    private = body.get("private")
    if private is None:
        return None
    if not isinstance(private, bool):
        raise BadInput(_("'private' must be true or false"))
    return Repo.Visibility.PRIVATE.value if private else Repo.Visibility.PUBLIC.value
