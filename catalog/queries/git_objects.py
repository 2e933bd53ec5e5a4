"""The objects of a `git fetch`, made from the rows that are the truth, one by one as `git_plans` wants them.

Folders are read one at a time with all the versions that are asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from django.db.models import Q
from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable
from catalog.models import TreeEntry
from catalog.parsing import git_objects, pack_writing
from catalog.parsing.git_delta import delta_between
from catalog.parsing.git_objects import TreeItem
from catalog.parsing.pack_writing import PackObject
from catalog.queries.git_plans import ROWS_AT_A_TIME, LinePlan, PackPlan, PlannedFile, batches
from catalog.stores import blob_store

LONGEST_CHAIN: Final = 50  # of deltas, as git makes them
MOST_FOLDERS_NAMED: Final = 1000  # in one query; beyond, reading all of a line is cheaper
READ_BYTES: Final = 256 * 1024


def pack_stream(plan: PackPlan) -> Iterator[bytes]:
    """Yields the pack, made on the way. Raises `BlobUnavailable` when stored bytes are gone meanwhile."""
    return pack_writing.written(plan.count, _objects(plan))


def _objects(plan: PackPlan) -> Iterator[PackObject]:
    yield from _commits(plan)
    for tag in plan.extras.tags:
        yield _in_memory(pack_writing.TAG, bytes(tag.raw))
    yield from _trees(plan)
    for file in plan.files.values():
        yield _blob(file)


def _commits(plan: PackPlan) -> Iterator[PackObject]:
    for batch in batches(plan.commits):
        rows = plan.repo.commits.filter(oid__in=batch).values_list("raw", flat=True)
        for raw in rows:
            yield _in_memory(pack_writing.COMMIT, bytes(raw or b""))


def _trees(plan: PackPlan) -> Iterator[PackObject]:
    """Each folder with its versions; what its content hashes to decides whether it belongs into the pack."""
    waiting = set(plan.trees)
    for line_id, line in plan.lines.items():
        for rows, versions in _folders(line_id, line):
            yield from _versions(rows, versions, waiting)
    if bytes.fromhex(git_objects.EMPTY_TREE_ID) in waiting:
        waiting.remove(bytes.fromhex(git_objects.EMPTY_TREE_ID))
        yield _in_memory(pack_writing.TREE, b"")
    if waiting:
        raise BlobUnavailable(_("Folders of this repo do not hash to their ids."))


def _versions(rows: list[bytes], versions: Iterable[list[int]], waiting: set[bytes]) -> Iterator[PackObject]:
    """Those versions of one folder that are waited for: a folder of ten thousand files differs little from commit
    to commit, so most are told as the difference from the one before."""
    base, before, depth = b"", list[int](), 0
    for version in versions:
        body = b"".join([rows[index] for index in version])
        name = hashlib.sha1(b"tree %d\0" % len(body) + body, usedforsecurity=False).digest()
        if name not in waiting:
            continue
        waiting.remove(name)
        delta = delta_between(rows, before, version) if base and depth < LONGEST_CHAIN else body
        if len(delta) * 2 < len(body):
            depth += 1
            yield PackObject(pack_writing.TREE, len(delta), (delta,), base)
        else:
            depth = 0
            yield _in_memory(pack_writing.TREE, body)
        base, before = name, version


class _Row(NamedTuple):
    first_seq: int
    last_seq: int | None
    data: bytes

    def is_live(self, seq: int) -> bool:
        return self.first_seq <= seq and (self.last_seq is None or self.last_seq > seq)


def _folders(line_id: int, line: LinePlan) -> Iterator[tuple[list[bytes], Iterator[list[int]]]]:
    """Every folder as the rows it ever had here, and which of them it had at each commit that is asked for."""
    wanted = line.seqs
    entries = TreeEntry.objects.filter(line_id=line_id, first_seq__lte=max(wanted))
    entries = entries.filter(Q(last_seq=None) | Q(last_seq__gte=min(wanted)))
    if len(line.folders) <= MOST_FOLDERS_NAMED:
        entries = entries.filter(folder__in=line.folders)
    fields = ("folder", "path", "mode", "oid", "first_seq", "last_seq")
    rows = entries.order_by("folder", "path").values_list(*fields).iterator(ROWS_AT_A_TIME)
    for _folder, group in groupby(rows, itemgetter(0)):
        children = _in_gits_order(group)
        yield [row.data for row in children], _at_each_commit(children, line)


def _at_each_commit(children: list[_Row], line: LinePlan) -> Iterator[list[int]]:
    """At commits that changed the folder, and at those that are sent as a whole."""
    changes = {row.first_seq for row in children} | {row.last_seq for row in children}
    for seq in sorted((line.new_in & changes) | line.whole):
        yield [index for index, row in enumerate(children) if row.is_live(seq)]


def _in_gits_order(group: Iterable[tuple[str, str, int, str, int, int | None]]) -> list[_Row]:
    """A folder sorts as if its name ended in '/'."""
    rows = []
    for folder, path, mode, oid, first_seq, last_seq in group:
        name = path[len(folder) + 1 :] if folder else path
        item = TreeItem(mode, name, oid)
        key = name.encode() + (b"/" if mode == TreeEntry.MODE_FOLDER else b"")
        rows.append((key, _Row(first_seq, last_seq, git_objects.tree_body([item]))))
    return [row for _key, row in sorted(rows, key=itemgetter(0))]


def _blob(file: PlannedFile) -> PackObject:
    sha256 = file.sha256.hex()
    if file.is_pointer:
        return _in_memory(pack_writing.BLOB, git_objects.pointer_text(sha256, file.size))
    return PackObject(pack_writing.BLOB, file.size, _stored(sha256, file.size))


def _stored(sha256: str, size: int) -> Iterator[bytes]:
    left = size
    with blob_store().open(sha256) as content:
        while left and (piece := content.read(min(READ_BYTES, left))):
            left -= len(piece)
            yield piece
    if left:
        raise BlobUnavailable


def _in_memory(kind: int, body: bytes) -> PackObject:
    return PackObject(kind, len(body), (body,))
