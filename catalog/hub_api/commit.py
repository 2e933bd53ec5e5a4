"""One commit: NDJSON in, a list of changes out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _

from catalog import actors, links
from catalog.actions.community import pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.history import commits
from catalog.actions.incoming import uploads
from catalog.actors import Actor
from catalog.errors import BadInput
from catalog.hub_api import bodies
from catalog.hub_api.bodies import MIB, Json
from catalog.hub_api.ndjson import Operation, Operations
from catalog.hub_api.preupload import repo_to_change
from catalog.models import Blob, Commit, Repo, User
from catalog.parsing.paths import check_path
from catalog.queries import trees
from catalog.types import AddFile, CopyFile, DeleteFile, DeleteFolder, FileChange

BATCH_BYTES, BATCH_FILES = 8 * MIB, 512  # small files stored together
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Changes:
    """Collects the changes of one commit in their order; contents go to the store in batches."""

    def __init__(self, repo: Repo, user: User) -> None:
        self._repo, self._user = repo, user
        self._found: list[FileChange | None] = []
        self._waiting: list[tuple[int, str, bytes]] = []
        self._waiting_bytes = 0

    def keep(self, content: Iterator[bytes]) -> Blob:
        """Store one long content as it arrives."""
        return uploads.store_bytes(repo=self._repo, actor=self._user, chunks=content)

    def add(self, operation: Operation) -> None:
        if operation.content is None:
            self._found.append(_change(operation))
            return
        self._waiting.append((len(self._found), _path(operation.value), operation.content))
        self._found.append(None)
        self._waiting_bytes += len(operation.content)
        if self._waiting_bytes >= BATCH_BYTES or len(self._waiting) >= BATCH_FILES:
            self._flush()

    def all(self) -> list[FileChange]:
        self._flush()
        return [change for change in self._found if change is not None]

    def _flush(self) -> None:
        if not self._waiting:
            return
        contents = [content for _, _, content in self._waiting]
        blobs = uploads.store_many(repo=self._repo, contents=contents, actor=self._user)
        for (position, path, _content), blob in zip(self._waiting, blobs, strict=True):
            self._found[position] = AddFile(path=path, sha256=blob.sha256, size=blob.size)
        self._waiting, self._waiting_bytes = [], 0


def commit(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str) -> JsonResponse:
    repo = repo_to_change(request, actor, kind, owner, name, revision=revision)
    user = actors.writer(actor)
    trees.resolve_revision(repo, revision)  # an unknown branch is told before megabytes are read
    changes = Changes(repo, user)
    operations = iter(Operations(bodies.pieces(request), changes.keep))
    header = _header(operations)
    for operation in operations:
        changes.add(operation)
    wanted = _Wanted(
        changes=changes.all(),
        title=bodies.optional_text(header, "summary") or "",
        description=bodies.optional_text(header, "description") or "",
        parent=bodies.optional_text(header, "parentCommit"),
    )
    if bodies.flag(request, "create_pr"):
        return _propose(request, repo, user, revision, wanted)
    made = commits.commit_files(
        repo=repo,
        branch=revision,
        changes=wanted.changes,
        title=wanted.title,
        description=wanted.description,
        parent=wanted.parent,
        actor=user,
    )
    return JsonResponse(_answer(request, repo, made))


@dataclass(frozen=True)
class _Wanted:
    """A commit as its body asks for it; large contents are stored already."""

    changes: list[FileChange]
    title: str
    description: str
    parent: str | None


def _propose(request: HttpRequest, repo: Repo, user: User, branch: str, wanted: _Wanted) -> JsonResponse:
    proposal = Proposal(wanted.title, wanted.description, branch, wanted.parent)
    discussion, made = pull_requests.propose_changes(repo=repo, proposal=proposal, changes=wanted.changes, actor=user)
    url = links.origin(request) + links.discussion(repo, discussion.num)
    return JsonResponse({**_answer(request, repo, made), "pullRequestUrl": url})


def _answer(request: HttpRequest, repo: Repo, made: Commit) -> Json:
    url = links.origin(request) + links.commit(repo, made.oid)
    return {"success": True, "commitUrl": url, "commitOid": made.oid, "hookOutput": ""}


def _header(operations: Iterator[Operation]) -> Json:
    first = next(operations, None)
    if first is None or first.key != "header":
        raise BadInput(_("the first line must be the header"))
    return first.value


def _change(operation: Operation) -> FileChange:
    value = operation.value
    match operation.key:
        case "file" if operation.blob is not None:
            return AddFile(path=_path(value), sha256=operation.blob.sha256, size=operation.blob.size)
        case "lfsFile":
            return _large_file(value)
        case "deletedFile":
            return DeleteFile(path=bodies.text_field(value, "path"))
        case "deletedFolder":
            return DeleteFolder(path=bodies.text_field(value, "path").rstrip("/"))
        case "copyFile":
            return CopyFile(
                path=_path(value),
                src_path=bodies.text_field(value, "srcPath"),
                src_revision=bodies.optional_text(value, "srcRevision"),
            )
        case _:
            raise BadInput(_("unknown operation %(value)r") % {"value": operation.key[:50]})


def _large_file(value: Json) -> AddFile:
    oid, size = bodies.text_field(value, "oid"), value.get("size")
    if value.get("algo", "sha256") != "sha256" or not _SHA256.fullmatch(oid):
        raise BadInput(_("a large file is named by its sha256, 64 lower-case hex digits"))
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise BadInput(_("'size' must be a number of bytes"))
    return AddFile(path=_path(value), sha256=oid, size=size, as_lfs=True)


def _path(value: Json) -> str:
    return check_path(bodies.text_field(value, "path"))
