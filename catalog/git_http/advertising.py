"""The first answer git asks for: which refs there are, and what this server can do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from catalog import access, discussion_access
from catalog.actors import Actor
from catalog.errors import BadInput
from catalog.git_http.names import repo_name
from catalog.models import Repo
from catalog.parsing.pkt_line import FLUSH, packet
from catalog.queries import git_refs
from catalog.queries.git_history import History
from catalog.queries.git_refs import GitRef

AGENT: Final = "agent=marketplace"
OBJECT_FORMAT: Final = "object-format=sha1"
UPLOAD_PACK, RECEIVE_PACK = "git-upload-pack", "git-receive-pack"

_NO_REF: Final = "0" * 40
_FETCH_ABILITIES: Final = (
    "multi_ack_detailed no-progress side-band side-band-64k include-tag shallow deepen-since deepen-not "
    "deepen-relative filter allow-tip-sha1-in-want allow-reachable-sha1-in-want"
)
# no-thin: the pack of a push holds the bases of its deltas, so that it is understood without anything else.
_PUSH_ABILITIES: Final = "report-status delete-refs side-band-64k atomic no-thin ofs-delta"
_VERSION_2: Final = ("version 2", AGENT, "ls-refs=unborn", "fetch=shallow filter wait-for-done", OBJECT_FORMAT)


def info_refs(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> HttpResponseBase:
    """`GET /{repo}/info/refs?service=…`."""
    service, name = request.GET.get("service", ""), repo_name(name)
    if service == UPLOAD_PACK:
        repo = access.repo_to_download(actor, kind, owner, name, follow=True)
        git_refs.refuse_stated_ids(repo)
        lines = _VERSION_2 if speaks_version_2(request) else _fetch_lines(repo)
    elif service == RECEIVE_PACK:
        repo = discussion_access.repo_to_upload_to(actor, kind, owner, name, follow=True)
        lines = _push_lines(repo)
    else:
        raise BadInput(_("Only git's smart protocol is spoken here; use git 1.6.6 or newer."))
    content = packet(f"# service={service}\n") + FLUSH + b"".join(packet(f"{line}\n") for line in lines) + FLUSH
    return uncached(HttpResponse(content, content_type=f"application/x-{service}-advertisement"))


def speaks_version_2(request: HttpRequest) -> bool:
    """Whether the client asks for git's protocol version 2."""
    return "version=2" in request.headers.get("Git-Protocol", "").split(":")


def uncached(response: HttpResponseBase) -> HttpResponseBase:
    """Marks an answer as true for this moment only."""
    response["Cache-Control"] = "no-cache, max-age=0, must-revalidate"
    return response


def _fetch_lines(repo: Repo) -> list[str]:
    refs = git_refs.git_refs(repo)
    head = git_refs.head_ref(repo, refs)
    abilities = f"{_FETCH_ABILITIES} {OBJECT_FORMAT} {AGENT}"
    names = [(ref.oid, ref.name) for ref in refs]
    if head is not None:
        abilities += f" symref=HEAD:{head.name}"
        names.insert(0, (head.oid, "HEAD"))
    lines = [f"{oid} {name}" for oid, name in _with_peeled(names, refs)] or [f"{_NO_REF} capabilities^{{}}"]
    lines[0] += f"\0{abilities}"
    return lines + [f"shallow {oid}" for oid in _where_history_begins(repo, refs)]


def _with_peeled(names: Iterable[tuple[str, str]], refs: list[GitRef]) -> list[tuple[str, str]]:
    peeled = {ref.name: ref.peeled for ref in refs}
    shown: list[tuple[str, str]] = []
    for oid, name in names:
        shown.append((oid, name))
        if peeled.get(name):
            shown.append((peeled[name], f"{name}^{{}}"))
    return shown


def _where_history_begins(repo: Repo, refs: list[GitRef]) -> list[str]:
    """Commits whose parents are not here, as in mirrors: a clone is shallow then."""
    history = History.of(repo)
    return sorted(oid for oid in history.reach(ref.commit_oid for ref in refs) if history.begins_at(oid))


def _push_lines(repo: Repo) -> list[str]:
    abilities = f"{_PUSH_ABILITIES} {OBJECT_FORMAT} {AGENT}"
    lines = [f"{ref.oid} {ref.name}" for ref in git_refs.git_refs(repo)] or [f"{_NO_REF} capabilities^{{}}"]
    lines[0] += f"\0{abilities}"
    return lines
