"""Branches and tags: create and delete; a branch's history made one commit."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from catalog import access, actors, discussion_access
from catalog.actions.history import commits, squash
from catalog.actors import Actor
from catalog.hub_api.bodies import json_body, optional_text, text_field


def create_branch(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, branch: str) -> JsonResponse:
    repo = access.repo_to_write(actor, kind, owner, name)
    body = json_body(request, optional=True)
    start = optional_text(body, "startingPoint")
    commits.create_branch(repo=repo, name=branch, start=start, actor=actors.writer(actor))
    return JsonResponse({})


def delete_branch(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, branch: str) -> JsonResponse:
    repo = access.repo_to_write(actor, kind, owner, name)
    commits.delete_branch(repo=repo, name=branch, actor=actors.writer(actor))
    return JsonResponse({})


def create_tag(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str) -> JsonResponse:
    repo = access.repo_to_write(actor, kind, owner, name)
    body = json_body(request)
    commits.create_tag(
        repo=repo,
        name=text_field(body, "tag"),
        revision=revision,
        message=optional_text(body, "message") or "",
        actor=actors.writer(actor),
    )
    return JsonResponse({})


def delete_tag(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str) -> JsonResponse:
    repo = access.repo_to_write(actor, kind, owner, name)
    commits.delete_tag(repo=repo, name=revision, actor=actors.writer(actor))
    return JsonResponse({})


def super_squash(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, branch: str) -> JsonResponse:
    repo = discussion_access.repo_to_commit_to(actor, kind, owner, name, branch)
    message = optional_text(json_body(request, optional=True), "message") or ""
    squash.squash_history(repo=repo, branch=branch, message=message, actor=actors.writer(actor))
    return JsonResponse({})
