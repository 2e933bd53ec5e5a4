"""What a webhook is told, in the Hub's payload version 3, so that receivers written for it understand.

Source: huggingface_hub 2.4, _webhooks_payload.py.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

from catalog.models import Namespace, Repo, RepoEvent, Webhook
from catalog.queries import trees

VERSION: Final = 3


def of(webhook: Webhook, event: RepoEvent, repo: Repo) -> dict[str, Any]:
    """Returns the JSON for one event; `repo` needs its namespace selected."""
    told: dict[str, Any] = {
        "event": {"action": event.action, "scope": event.scope},
        "repo": _repo(repo),
        "webhook": {"id": webhook.public_id, "version": VERSION},
    }
    details = event.details
    if refs := details.get("updated_refs"):
        told["updatedRefs"] = [{"ref": one["ref"], "oldSha": one["old"], "newSha": one["new"]} for one in refs]
    if moved := details.get("moved_to"):
        told["movedTo"] = {"name": moved["name"], "owner": {"id": moved["owner_id"]}}
    if config := details.get("updated_config"):
        told["updatedConfig"] = config
    for about in ("discussion", "comment"):
        if about in details:
            told[about] = _with_urls(details[about], repo)
    return told


def owner_id(namespace: Namespace) -> str:
    """Returns an id in the shape the Hub's clients know, 24 hex digits."""
    return f"{namespace.pk:024x}"


def _repo(repo: Repo) -> dict[str, Any]:
    head = trees.head_of(repo)
    told = {
        "type": repo.kind,
        "name": repo.full_name,
        "id": repo.public_id,
        "private": repo.is_private,
        "owner": {"id": owner_id(repo.namespace)},
        "url": _urls(repo, ""),
    }
    # The Hub writes `headSha`; the model that its client gives to receivers reads `head_sha`.
    return told | ({"headSha": head.oid, "head_sha": head.oid} if head else {})


def _with_urls(about: dict[str, Any], repo: Repo) -> dict[str, Any]:
    """A discussion or comment names its place below the repo as `path`; who is told gets addresses."""
    rest = {key: value for key, value in about.items() if key != "path"}
    return rest | {"url": _urls(repo, about.get("path", ""))}


def _urls(repo: Repo, below: str) -> dict[str, str]:
    site = settings.PUBLIC_URL or ""
    return {"web": f"{site}{repo.web_path}{below}", "api": f"{site}/api/{repo.kind_and_name}{below}"}
