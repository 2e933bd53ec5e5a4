"""Addresses inside this site, encoded the way the Hub's clients and our converters expect."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import quote, unquote

from django.conf import settings
from django.http import HttpRequest

from catalog.errors import RepoMoved
from catalog.models import Repo


def origin(request: HttpRequest) -> str:
    """Scheme and host as this client reached us: links to another name are refused by clients of the Hub."""
    return f"{request.scheme}://{request.get_host()}"


def public_origin(request: HttpRequest) -> str:
    """Scheme and host of this site as others know it, whatever name this request came by."""
    return settings.PUBLIC_URL or origin(request)


def _at(repo: Repo, verb: str, revision: str, path: str = "") -> str:
    tail = "/" + quote(path) if path else ""
    return f"{repo.web_path}/{verb}/{quote(revision, safe='')}{tail}"


def tree(repo: Repo, revision: str, folder: str = "") -> str:
    return _at(repo, "tree", revision, folder)


def blob(repo: Repo, revision: str, path: str) -> str:
    return _at(repo, "blob", revision, path)


def resolve(repo: Repo, revision: str, path: str) -> str:
    return _at(repo, "resolve", revision, path)


def raw(repo: Repo, revision: str, path: str) -> str:
    return _at(repo, "raw", revision, path)


def commits(repo: Repo, revision: str) -> str:
    return _at(repo, "commits", revision)


def commit(repo: Repo, oid: str) -> str:
    return _at(repo, "commit", oid)


def discussion(repo: Repo, num: int) -> str:
    return f"{repo.web_path}/discussions/{num}"


def moved(address: str, error: RepoMoved) -> str:
    """Returns the address (path and query) with the repo's present name; "" where the path does not name it."""
    path, mark, query = address.partition("?")
    former = [part.casefold() for part in str(error.facts.get("former", "")).split("/")]
    segments = path.split("/")
    for at, pair in enumerate(pairwise(segments)):
        owner, name = (unquote(part).casefold() for part in pair)
        suffix = ".git" if name.endswith(".git") and former[1] != name else ""
        if [owner, name.removesuffix(suffix)] == former:
            segments[at : at + 2] = [*str(error.facts["repo"]).split("/")]
            segments[at + 1] += suffix
            return "/".join(segments) + mark + query
    return ""
