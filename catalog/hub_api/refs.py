"""Branches and tags: create and delete."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from catalog import access
from catalog.access import Actor
from catalog.actions import commits
from catalog.hub_api.bodies import json_body, optional_text, text_field


def create_branch(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, branch: str) -> JsonResponse:
    repo = access.repo_to_write(actor, kind, owner, name)
    body = json_body(request, optional=True)
    start = optional_text(body, "startingPoint")
    commits.create_branch(repo=repo, name=branch, start=start, actor=access.writer(actor))
    return JsonResponse({})


def delete_branch(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, branch: str) -> JsonResponse:
    repo = access.repo_to_write(actor, kind, owner, name)
    commits.delete_branch(repo=repo, name=branch, actor=access.writer(actor))
    return JsonResponse({})


def create_tag(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str) -> JsonResponse:
    repo = access.repo_to_write(actor, kind, owner, name)
    body = json_body(request)
    commits.create_tag(
        repo=repo,
        name=text_field(body, "tag"),
        revision=revision,
        message=optional_text(body, "message") or "",
        actor=access.writer(actor),
    )
    return JsonResponse({})


def delete_tag(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str) -> JsonResponse:
    repo = access.repo_to_write(actor, kind, owner, name)
    commits.delete_tag(repo=repo, name=revision, actor=access.writer(actor))
    return JsonResponse({})
