"""git's side of a push or fetch, byte by byte: what the real git would never send can be sent, too."""

from __future__ import annotations

import base64
import gzip
import hashlib
import zlib
from dataclasses import dataclass, field

import pytest
from dulwich.pack import apply_delta

from catalog.parsing import git_objects, pack_writing
from catalog.parsing.git_objects import TreeItem
from catalog.parsing.pack_writing import BLOB, COMMIT, TAG, TREE, PackObject
from catalog.parsing.pkt_line import FLUSH, packet
from tests.factories import token_of

NOTHING = "0" * 40
IDENTITY = "Ann <ann@example.org> 1700000000 +0100"
NAMES = {COMMIT: "commit", TREE: "tree", BLOB: "blob", TAG: "tag"}


@dataclass
class Objects:
    """Collects objects for a pack; every method returns the id of what it added."""

    bodies: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, kind: int, body: bytes) -> str:
        self.bodies.append((kind, body))
        return git_objects.object_id(NAMES[kind], body)

    def blob(self, content: bytes) -> str:
        return self.add(BLOB, content)

    def tree(self, *items: tuple[int, str, str]) -> str:
        return self.add(TREE, git_objects.tree_body(TreeItem(*item) for item in items))

    def files(self, **contents: bytes) -> str:
        return self.tree(*[(0o100644, name, self.blob(content)) for name, content in contents.items()])

    def commit(self, tree: str, *parents: str, message: str = "Pushed\n", headers: str = "") -> str:
        lines = [f"tree {tree}", *[f"parent {parent}" for parent in parents]]
        lines += [f"author {IDENTITY}", f"committer {IDENTITY}"]
        return self.add(COMMIT, ("\n".join(lines) + f"\n{headers}\n{message}").encode())

    def pack(self) -> bytes:
        return b"".join(
            pack_writing.written(len(self.bodies), [PackObject(kind, len(body), [body]) for kind, body in self.bodies])
        )


@dataclass
class Answer:
    """What a push was told."""

    status: int
    content: bytes
    headers: dict[str, str]

    @property
    def report(self) -> dict[str, str]:
        """`unpack` and every ref → "ok" or the reason."""
        told: dict[str, str] = {}
        for line in filter(None, packets(b"".join(one[1:] for one in packets(self.content) if one[:1] == b"\x01"))):
            word, _, rest = line.decode().strip().partition(" ")
            ref, _, reason = rest.partition(" ")
            told |= {"unpack": rest} if word == "unpack" else {ref: reason or "ok"}
        return told

    @property
    def message(self) -> str:
        return b"".join(one[1:] for one in packets(self.content) if one[:1] == b"\x02").decode()


def packets(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        length = int(data[at : at + 4], 16)
        found.append(data[at + 4 : at + length])
        at += max(length, 4)
    return found


def basic(user) -> str:
    return "Basic " + base64.b64encode(f"any:{token_of(user)}".encode()).decode()


@pytest.fixture
def objects():
    return Objects()


def sent(client, repo, authorization, updates, content=None, *, abilities="report-status side-band-64k", gzipped=False):
    """What a push of `{ref: (old, new)}` with these objects is told."""
    body, first = b"", f"\0 {abilities} agent=test"
    for ref, (old, new) in updates.items():
        body += packet(f"{old} {new} {ref}{first}")
        first = ""
    body += FLUSH
    if content is not None:
        body += content.pack() if isinstance(content, Objects) else content
    answer = client.post(
        f"{repo.web_path}.git/git-receive-pack",
        gzip.compress(body) if gzipped else body,
        content_type="application/x-git-receive-pack-request",
        **({"HTTP_AUTHORIZATION": authorization} if authorization else {}),
        **({"HTTP_CONTENT_ENCODING": "gzip"} if gzipped else {}),
    )
    return Answer(answer.status_code, answer.content, dict(answer.headers))


@pytest.fixture
def push(raw_client):
    """`push(repo, user, {ref: (old, new)}, objects)`; no user is a stranger."""

    def by(repo, user, updates, content=None, **options):
        return sent(raw_client, repo, basic(user) if user else "", updates, content, **options)

    return by


@pytest.fixture
def fetch(raw_client):
    """Returns the objects, id → (kind, body), that protocol v2 sends for these wants and haves."""

    def asked(repo, wants, haves=(), *options, user=None):
        lines = [*options, *[f"want {oid}" for oid in wants], *[f"have {oid}" for oid in haves], "done"]
        body = packet("command=fetch") + b"0001" + b"".join(packet(line) for line in lines) + FLUSH
        answer = raw_client.post(
            f"{repo.web_path}.git/git-upload-pack",
            body,
            content_type="application/x-git-upload-pack-request",
            HTTP_GIT_PROTOCOL="version=2",
            **({"HTTP_AUTHORIZATION": basic(user)} if user else {}),
        )
        assert answer.status_code == 200, answer.content
        pack = b"".join(one[1:] for one in packets(b"".join(answer.streaming_content)) if one[:1] == b"\x01")
        return unpacked(pack)

    return asked


def unpacked(pack: bytes) -> dict[str, tuple[str, bytes]]:
    """The objects of a pack, none twice, by a reader that shares no code with ours."""
    assert hashlib.sha1(pack[:-20]).digest() == pack[-20:]
    at, found, base = 12, {}, ""
    count = int.from_bytes(pack[8:12], "big")
    for _ in range(count):
        kind = (pack[at] >> 4) & 7
        while pack[at] & 0x80:
            at += 1
        if kind == 7:
            base, at = pack[at + 1 : at + 21].hex(), at + 20
        inflater = zlib.decompressobj()
        body = inflater.decompress(pack[at + 1 :])
        at = len(pack) - len(inflater.unused_data)
        name = found[base][0] if kind == 7 else NAMES[kind]
        body = b"".join(apply_delta(found[base][1], body)) if kind == 7 else body
        found[git_objects.object_id(name, body)] = (name, body)
    assert at == len(pack) - 20
    assert len(found) == count
    return found
