"""Headers of all shards of a model in one answer (hub-api 5.3)."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, JsonResponse

from catalog import access
from catalog.actors import Actor
from catalog.errors import BadMetadata, BlobUnavailable, EntryNotFound, TooLarge
from catalog.models import Blob, Commit, Repo, TreeEntry
from catalog.parsing import safetensors
from catalog.parsing.json_values import read_json
from catalog.queries import trees
from catalog.stores import blob_store

LARGEST_ANSWER_BYTES: Final = 32 * 1024**2  # of all headers together
LONGEST_INDEX_BYTES: Final = 16 * 1024**2
LENGTH_BYTES: Final = 8  # little endian, before each header


def metadata(request: HttpRequest, actor: Actor, *, owner: str, name: str, path: str) -> JsonResponse:
    """Of the default branch alone, as the client asks for no other."""
    repo = access.repo_to_download(actor, Repo.Kind.MODEL, owner, name)
    head = trees.head_of(repo)
    if head is None:
        raise EntryNotFound
    raw = _read(trees.file_at(head, path), 0, LONGEST_INDEX_BYTES)
    folder = path.rpartition("/")[0]
    left, headers = LARGEST_ANSWER_BYTES, {}
    for shard in safetensors.shards_of(raw):
        header = _header(head, f"{folder}/{shard}" if folder else shard, left)
        left -= len(header)
        headers[shard] = read_json(header, what=shard)
    index: Any = read_json(raw, what=path)
    return JsonResponse({"index": {"metadata": index.get("metadata") or {}}, "headers": headers})


def _header(head: Commit, path: str, most: int) -> bytes:
    entry = trees.file_at(head, path)
    length = int.from_bytes(_read(entry, 0, LENGTH_BYTES), "little")
    if length > entry.size:
        raise BadMetadata(f"{path} is no safetensors file")
    if length > most:
        raise TooLarge("the headers are too large for one answer; read them by range")
    return _read(entry, LENGTH_BYTES, length)


def _read(entry: TreeEntry, offset: int, length: int) -> bytes:
    if entry.blob is None or entry.blob.state == Blob.State.CORRUPT:
        raise BlobUnavailable
    return blob_store().read_range(entry.blob.sha256, offset, min(length, entry.size - offset))
