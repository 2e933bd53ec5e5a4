"""The true commit object of an upstream revision, where upstream speaks git (decision 4).

One protocol-v2 fetch of a single commit without file contents: `deepen 1`, `filter blob:none`. With
the object at hand a mirrored id verifies like any git id, and file modes are known.
Source: git's gitprotocol-v2 and gitprotocol-common documents; packs are read by dulwich.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO

from django.utils.translation import gettext as _
from dulwich.errors import ChecksumMismatch
from dulwich.object_format import SHA1
from dulwich.objects import Commit, ShaFile, Tree
from dulwich.pack import PackData, PackInflater

from catalog.errors import UpstreamRefused, UpstreamUnavailable
from catalog.upstream.http import UpstreamClient

FLUSH, DELIMITER = b"0000", b"0001"
FOLDER = 0o040000


@dataclass(frozen=True)
class GitObjects:
    """A commit's own bytes and the mode of every file below it."""

    commit: bytes  # body, without the "commit <size>\0" header
    modes: dict[str, int]


def commit_and_trees(client: UpstreamClient, repo_url: str, oid: str) -> GitObjects | None:
    """Returns the objects of commit `oid`, or None where this server does not offer them.

    Raises:
        UpstreamUnavailable: the server speaks git but the answer broke off; worth another try.
    """
    if not _offers_filtered_fetch(client, repo_url):
        return None
    answer = client.post(
        f"{repo_url}/git-upload-pack",
        content=_fetch_request(oid),
        headers={
            "content-type": "application/x-git-upload-pack-request",
            "accept": "application/x-git-upload-pack-result",
            "git-protocol": "version=2",
        },
    )
    objects = _objects_of_pack(_pack_bytes(answer.content))
    commit = objects.get(oid)
    if not isinstance(commit, Commit):
        raise UpstreamUnavailable(_("the other hub's git answer lacks the commit"))
    modes = dict(_modes(objects, commit.tree.decode(), prefix=""))
    return GitObjects(commit=commit.as_raw_string(), modes=modes)


def _offers_filtered_fetch(client: UpstreamClient, repo_url: str) -> bool:
    try:
        answer = client.get(f"{repo_url}/info/refs?service=git-upload-pack", headers={"git-protocol": "version=2"})
    except UpstreamRefused:
        return False
    if "git-upload-pack-advertisement" not in answer.headers.get("content-type", ""):
        return False
    lines = [line.strip() for line in _packets(answer.content)]
    fetch = next((line for line in lines if line.startswith(b"fetch=")), b"")
    return b"version 2" in lines and {b"shallow", b"filter"} <= set(fetch[6:].split())


def _fetch_request(oid: str) -> bytes:
    head = [b"command=fetch\n", b"object-format=sha1"]
    body = [b"no-progress\n", b"deepen 1\n", b"filter blob:none\n", b"want %s\n" % oid.encode(), b"done\n"]
    return b"".join(map(_packet, head)) + DELIMITER + b"".join(map(_packet, body)) + FLUSH


def _packet(line: bytes) -> bytes:
    return b"%04x%s" % (len(line) + 4, line)


def _packets(data: bytes) -> Iterator[bytes]:
    """Yields the payload of each packet; flush and delimiter packets yield b""."""
    position = 0
    while position + 4 <= len(data):
        try:
            length = int(data[position : position + 4], 16)
        except ValueError:
            raise UpstreamUnavailable(_("the other hub's git answer is malformed")) from None
        if length >= 4 and position + length > len(data):
            raise UpstreamUnavailable(_("the other hub's git answer breaks off"))
        yield data[position + 4 : position + length] if length >= 4 else b""
        position += max(length, 4)


def _pack_bytes(answer: bytes) -> bytes:
    """Returns the pack out of its side-band packets (band 1 data, 2 progress, 3 error)."""
    pack, inside = bytearray(), False
    for packet in _packets(answer):
        if not inside:
            inside = packet == b"packfile\n"
        elif packet[:1] == b"\x01":
            pack += packet[1:]
        elif packet[:1] == b"\x03":
            raise UpstreamUnavailable(_("the other hub's git server reports an error"))
    return bytes(pack)


def _objects_of_pack(pack: bytes) -> dict[str, ShaFile]:
    try:
        with closing(PackData.from_file(BytesIO(pack), SHA1, len(pack))) as data:
            data.check()
            return {found.id.decode(): found for found in PackInflater.for_pack_data(data)}
    except (AssertionError, ChecksumMismatch, KeyError, ValueError) as problem:
        raise UpstreamUnavailable(_("the other hub's git pack is damaged")) from problem


def _modes(objects: dict[str, ShaFile], tree_oid: str, *, prefix: str) -> Iterator[tuple[str, int]]:
    tree = objects.get(tree_oid)
    if not isinstance(tree, Tree):
        raise UpstreamUnavailable(_("the other hub's git answer lacks a folder"))
    for entry in tree.items():
        path = prefix + entry.path.decode(errors="surrogateescape")
        if entry.mode == FOLDER:
            yield from _modes(objects, entry.sha.decode(), prefix=path + "/")
        else:
            yield path, entry.mode
