"""What every page of one repo shares: the repo itself, its tabs, and what this reader may do."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from catalog import access, actors
from catalog.actors import Actor
from catalog.models import Commit, Repo
from catalog.queries import trees


def readable(request: HttpRequest, kind: str, owner: str, name: str) -> Repo:
    """The repo behind an address. Raises `RepoNotFound`."""
    return access.repo_to_read(actors.actor_of(request), kind, owner, name)


def may_administer(actor: Actor, repo: Repo) -> bool:
    return actor.user is not None and actor.may_write and access.can_write_to(actor.user, repo)


def frame(request: HttpRequest, repo: Repo, tab: str, **more: object) -> dict[str, Any]:
    """The context of templates/catalog/repo.html, and what the page adds to it."""
    actor = actors.actor_of(request)
    administers = may_administer(actor, repo)
    return {
        "repo": repo,
        "facts": repo.facts,
        "tab": tab,
        "section": f"{repo.kind}s",
        "administers": administers,
        "writes": administers and not repo.is_mirror,
        "is_empty": is_empty(repo),
        "is_liked": actor.user is not None and repo.likes.filter(user=actor.user).exists(),
        "lacks_files": not access.has_files(actor, repo),
        **more,
    }


def is_empty(repo: Repo) -> bool:
    """Nothing but the `.gitattributes` every repo starts with, or not even that (a mirror before its first sync)."""
    return repo.facts.file_count <= 1 and not repo.facts.total_bytes > 4096


def commit_at(repo: Repo, revision: str) -> Commit:
    """Raises `RevisionNotFound`."""
    return trees.resolve_revision(repo, revision)
