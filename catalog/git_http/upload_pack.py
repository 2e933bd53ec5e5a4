"""`git clone` and `git fetch`: what the client has and wants in, a pack that is made on the way out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import chain

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from catalog import access
from catalog.actors import Actor
from catalog.errors import BadInput, CatalogError, EntryNotFound
from catalog.git_http.advertising import UPLOAD_PACK, speaks_version_2, uncached
from catalog.git_http.bodies import Body
from catalog.git_http.fetch_requests import FetchLines, fetch_arguments, read_command, read_fetch
from catalog.git_http.names import repo_name
from catalog.models import Repo, TagObject
from catalog.parsing.pkt_line import DELIMITER, FLUSH, LONGEST_PACKET_BYTES, Band, banded, packet
from catalog.queries import git_objects, git_plans, git_refs
from catalog.queries.git_history import Fetch, History, Selection
from catalog.queries.git_plans import Extras

logger = logging.getLogger(__name__)


class _Negotiation:
    """One fetch against one repo: which commits both sides have, and what is to be sent."""

    def __init__(self, repo: Repo, lines: FetchLines) -> None:
        git_refs.refuse_stated_ids(repo)
        self.repo, self.lines = repo, lines
        self.history = History.of(repo)
        self.tags = git_refs.tag_objects(repo)
        self.files = frozenset(oid for oid in lines.wants if oid not in self.tags and oid not in self.history.nodes)
        self.wants = frozenset(self._commit(oid) for oid in lines.wants if oid not in self.files)
        self.common = [oid for oid in lines.haves if oid in self.history.nodes or oid in self.tags]

    @property
    def is_enough(self) -> bool:
        return bool(self.files) or self.history.is_enough(self.wants, self._common_commits())

    def select(self) -> Selection:
        lines = self.lines
        refs = {ref.name: ref.commit_oid for ref in git_refs.git_refs(self.repo)} if lines.without else {}
        fetch = Fetch(
            wants=self.wants,
            haves=self._common_commits(),
            shallow=frozenset(lines.shallow),
            depth=lines.depth,
            is_relative=lines.is_relative,
            since=lines.since,
            without=frozenset(_named(refs, name) for name in lines.without),
        )
        return self.history.select(fetch)

    def pack(self, selection: Selection) -> Iterator[bytes]:
        """Everything that can be refused is refused here, before the first byte."""
        extras = Extras(self._tags_to_send(selection), self.files, self.lines.files_below_bytes)
        plan = git_plans.plan_pack(self.repo, self.history, selection, extras)
        return git_objects.pack_stream(plan)

    def _tags_to_send(self, selection: Selection) -> list[TagObject]:
        wanted, held = set(self.lines.wants), set(self.lines.haves)
        return [
            tag
            for oid, tag in self.tags.items()
            if oid not in held and (oid in wanted or (self.lines.with_tags and tag.target_oid in selection.commits))
        ]

    def _common_commits(self) -> frozenset[str]:
        return frozenset(self.tags[oid].target_oid if oid in self.tags else oid for oid in self.common)

    def _commit(self, oid: str) -> str:
        return self.tags[oid].target_oid if oid in self.tags else oid


def upload_pack(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> HttpResponseBase:
    """`POST /{repo}/git-upload-pack`."""
    repo = access.repo_to_download(actor, kind, owner, repo_name(name), follow=True)
    if request.content_type != f"application/x-{UPLOAD_PACK}-request":
        raise BadInput(_("the body must be application/x-%(upload_pack)s-request") % {"upload_pack": UPLOAD_PACK})
    body = Body(request)
    try:
        answer = _version_2(repo, body) if speaks_version_2(request) else _version_0(repo, body)
    except (BadInput, EntryNotFound) as refused:  # git prints an ERR packet; of a status it shows the number alone
        answer = iter([packet(f"ERR {refused.message}")])
    response = StreamingHttpResponse(answer, content_type=f"application/x-{UPLOAD_PACK}-result")
    response["X-Accel-Buffering"] = "no"
    return uncached(response)


def _version_2(repo: Repo, body: Body) -> Iterator[bytes]:
    command, arguments = read_command(body)
    if command == "ls-refs":
        return iter([_ls_refs(repo, arguments)])
    if command == "fetch":
        return _fetch(_Negotiation(repo, fetch_arguments(arguments)))
    raise BadInput(_("the command %(value)r is not known here") % {"value": command[:40]})


def _ls_refs(repo: Repo, arguments: list[str]) -> bytes:
    git_refs.refuse_stated_ids(repo)
    prefixes = tuple(
        argument.removeprefix("ref-prefix ") for argument in arguments if argument.startswith("ref-prefix ")
    )
    refs = git_refs.git_refs(repo)
    head = git_refs.head_ref(repo, refs)
    branch = f"refs/heads/{repo.default_branch}"
    lines = []
    if not prefixes or "HEAD".startswith(prefixes):
        target = f" symref-target:{branch}" if "symrefs" in arguments else ""
        if head is not None:
            lines.append(f"{head.oid} HEAD{target}")
        elif "unborn" in arguments:
            lines.append(f"unborn HEAD symref-target:{branch}")
    for ref in refs:
        if not prefixes or ref.name.startswith(prefixes):
            peeled = f" peeled:{ref.peeled}" if ref.peeled and "peel" in arguments else ""
            lines.append(f"{ref.oid} {ref.name}{peeled}")
    return b"".join(packet(f"{line}\n") for line in lines) + FLUSH


def _fetch(asked: _Negotiation) -> Iterator[bytes]:
    lines, head = asked.lines, b""
    if not lines.is_done:
        acknowledged = [f"ACK {oid}\n" for oid in asked.common] or ["NAK\n"]
        is_ready = asked.is_enough and not lines.waits_for_done
        head = packet("acknowledgments\n") + b"".join(packet(line) for line in acknowledged)
        if not is_ready:
            return iter([head + FLUSH])
        head += packet("ready\n") + DELIMITER
    selection = asked.select()
    told = _shallow_packets(selection)
    if told:
        head += packet("shallow-info\n") + told + DELIMITER
    pack = asked.pack(selection)
    return chain([head + packet("packfile\n")], _guarded(pack), [FLUSH])


def _version_0(repo: Repo, body: Body) -> Iterator[bytes]:
    lines = read_fetch(body)
    if lines is None:
        return iter([])
    asked = _Negotiation(repo, lines)
    selection = asked.select()
    head = _shallow_packets(selection) + FLUSH if _waits_for_depth(lines) else b""
    if lines.asks_for_depth_alone:
        return iter([head])
    head += b"".join(_acknowledgments(asked))
    if not lines.is_done:
        return iter([head])
    pack = asked.pack(selection)
    if not lines.packet_bytes:
        return chain([head], pack)
    return chain([head], _guarded(pack, lines.packet_bytes), [FLUSH])


def _waits_for_depth(lines: FetchLines) -> bool:
    """Whether a v0 client waits to hear where its history will end: only when it asked for a depth."""
    return lines.depth is not None or lines.since is not None or bool(lines.without)


def _acknowledgments(asked: _Negotiation) -> Iterator[bytes]:
    """The answer to the haves; without `multi_ack_detailed` only the first common commit is told."""
    if "multi_ack_detailed" in asked.lines.abilities:
        for oid in asked.common:
            yield packet(f"ACK {oid} common\n")
        if asked.common and asked.is_enough and not asked.lines.is_done:
            yield packet(f"ACK {asked.common[-1]} ready\n")
        if asked.lines.is_done and asked.common:
            yield packet(f"ACK {asked.common[-1]}\n")
        else:
            yield packet("NAK\n")
    elif asked.common:
        yield packet(f"ACK {asked.common[0]}\n")
    else:
        yield packet("NAK\n")


def _shallow_packets(selection: Selection) -> bytes:
    told = [f"shallow {oid}\n" for oid in selection.shallow] + [f"unshallow {oid}\n" for oid in selection.unshallow]
    return b"".join(packet(line) for line in told)


def _guarded(pack: Iterator[bytes], packet_bytes: int = LONGEST_PACKET_BYTES) -> Iterator[bytes]:
    """The pack on its band; a failure on the way is told on the band for errors, and the client drops the rest."""
    try:
        yield from banded(Band.DATA, pack, packet_bytes)
    except (CatalogError, OSError, ValueError) as failed:
        logger.exception("git: a pack broke off")
        message = failed.message if isinstance(failed, CatalogError) else "the server failed"
        yield from banded(Band.ERROR, [f"{message}\n".encode()])


def _named(refs: dict[str, str], name: str) -> str:
    for full in (name, f"refs/tags/{name}", f"refs/heads/{name}", f"refs/{name}"):
        if full in refs:
            return refs[full]
    raise BadInput(_("git upload-pack: deepen-not is not a ref: %(value)s") % {"value": name[:200]})
