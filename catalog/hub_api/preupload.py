"""Before an upload: which files travel as large files, which are ignored, which are here already."""

from __future__ import annotations

import base64
import binascii
import codecs
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _

from catalog import discussion_access
from catalog.actors import Actor
from catalog.errors import BadInput
from catalog.hub_api import bodies
from catalog.models import Commit, Repo, TreeEntry
from catalog.parsing import gitattributes
from catalog.parsing.paths import check_path
from catalog.queries import trees
from catalog.stores import blob_store

MOST_FILES: Final = 10_000  # per request; clients send 256
LARGEST_REGULAR_BYTES: Final = 10_000_000
LONGEST_RULES_BYTES: Final = 256 * 1024  # of .gitattributes and .gitignore that we read


@dataclass(frozen=True)
class Rules:
    """What the repo, and the caller, say about paths."""

    attributes: str
    ignored_here: str
    ignored_there: str

    def is_ignored(self, path: str) -> bool:
        return gitattributes.is_ignored(path, self.ignored_here) or gitattributes.is_ignored(path, self.ignored_there)

    def mode(self, path: str, size: int, sample: bytes) -> str:
        if size == 0:
            return "regular"
        is_large = gitattributes.is_lfs(path, self.attributes) or size > LARGEST_REGULAR_BYTES or not _is_text(sample)
        return "lfs" if is_large else "regular"


def preupload(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str) -> JsonResponse:
    repo = repo_to_change(request, actor, kind, owner, name, revision=revision)
    commit = trees.resolve_revision(repo, revision)
    body = bodies.json_body(request)
    files = [_file(item) for item in bodies.list_field(body, "files", most=MOST_FILES)]
    rules = Rules(
        attributes=_text_of(commit, ".gitattributes"),
        ignored_here=_text_of(commit, ".gitignore"),
        ignored_there=(bodies.optional_text(body, "gitIgnore") or "")[:LONGEST_RULES_BYTES],
    )
    present = {entry.path: entry for entry in trees.entries_at(commit, [path for path, _, _ in files])}
    answers = [_answer(rules, present.get(path), path, size, sample) for path, size, sample in files]
    return JsonResponse({"files": answers, "commitOid": commit.oid})


def repo_to_change(request: HttpRequest, actor: Actor, kind: str, owner: str, name: str, *, revision: str) -> Repo:
    """Returns a repo for what comes before and with a commit; for a new pull request (`create_pr`) reading is enough.

    Raises: what `discussion_access` raises.
    """
    if bodies.flag(request, "create_pr"):
        return discussion_access.repo_to_propose_to(actor, kind, owner, name)
    return discussion_access.repo_to_commit_to(actor, kind, owner, name, revision)


def _answer(rules: Rules, entry: TreeEntry | None, path: str, size: int, sample: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "path": path,
        "uploadMode": rules.mode(path, size, sample),
        "shouldIgnore": rules.is_ignored(path),
    }
    if entry is not None and not entry.is_folder:
        answer["oid"] = entry.etag  # what the client compares its own hash with
    return answer


def _file(item: object) -> tuple[str, int, bytes]:
    if not isinstance(item, dict):
        raise BadInput(_("every file must be an object"))
    size, sample = item.get("size"), item.get("sample", "")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0 or not isinstance(sample, str):
        raise BadInput(_("every file needs 'size' in bytes and a base64 'sample'"))
    path = check_path(bodies.text_field(item, "path"))
    try:
        return path, size, base64.b64decode(sample, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput(_("a sample is not valid base64")) from None


def _is_text(sample: bytes) -> bool:
    """Whether this is UTF-8 without NUL; the last character may be cut in two."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return b"\0" not in sample


def _text_of(commit: Commit, path: str) -> str:
    entry = next(iter(trees.entries_at(commit, [path])), None)
    if entry is None or entry.blob is None:
        return ""
    return blob_store().read_range(entry.blob.sha256, 0, LONGEST_RULES_BYTES).decode(errors="replace")
