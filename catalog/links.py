"""Addresses inside this site, encoded the way the Hub's clients and our converters expect."""

from __future__ import annotations

from urllib.parse import quote

from catalog.models import Repo


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
