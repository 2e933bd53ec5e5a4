"""The Hub's side of Xet: where to send chunks, and a token to do it with."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from catalog import access, links
from catalog.actors import Actor
from catalog.hub_api import cas_access
from catalog.hub_api.preupload import repo_to_change
from catalog.models import Repo
from catalog.queries import trees

NEW_PULL_REQUEST = "None"  # what clients send as revision before a pull request exists


def read_token(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str) -> JsonResponse:
    repo = access.repo_to_download(actor, kind, owner, name)
    trees.resolve_revision(repo, revision)
    return _connection(request, actor, repo, cas_access.READ)


def write_token(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str) -> JsonResponse:
    repo = repo_to_change(request, actor, kind, owner, name, revision=revision)
    if revision != NEW_PULL_REQUEST:
        trees.resolve_revision(repo, revision)
    return _connection(request, actor, repo, cas_access.WRITE)


def _connection(request: HttpRequest, actor: Actor, repo: Repo, scope: str) -> JsonResponse:
    """Told twice: hf_xet reads the body, the Python client the headers."""
    token, expires = cas_access.new_token(actor, repo, scope)
    url = links.origin(request)  # no path: telemetry goes to the root of this host
    response = JsonResponse({"casUrl": url, "accessToken": token, "exp": expires})
    response["X-Xet-Cas-Url"] = url
    response["X-Xet-Access-Token"] = token
    response["X-Xet-Token-Expiration"] = str(expires)
    response["Cache-Control"] = "private, no-store"
    return response
