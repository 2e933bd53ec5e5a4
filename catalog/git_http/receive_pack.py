"""`git push`: commands and a pack in, one line for each ref out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from catalog import actors, discussion_access
from catalog.actions.history import pushes
from catalog.actions.history.pushes import Push, RefUpdate
from catalog.actions.quarantine import quarantined
from catalog.actors import Actor
from catalog.errors import BadInput, CatalogError
from catalog.git_http.advertising import RECEIVE_PACK, uncached
from catalog.git_http.bodies import Body
from catalog.git_http.names import repo_name
from catalog.models import Ref, Repo, User
from catalog.parsing.pkt_line import FLUSH, Band, banded, packet, read_section

LONGEST_COMMANDS_BYTES: Final = 1024 * 1024

_COMMAND = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\0]+)(?:\0(.*))?", re.DOTALL)


@dataclass
class _Commands:
    """What the client asks for before its pack begins."""

    updates: list[RefUpdate] = field(default_factory=list)
    abilities: set[str] = field(default_factory=set)


@dataclass
class _Report:
    """What became of it: of the pack, of each ref, and in words for the person who pushed."""

    unpack: str = "ok"
    refused: dict[str, str] = field(default_factory=dict)  # ref → reason, "" = done
    message: str = ""


def receive_pack(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> HttpResponseBase:
    """`POST /{repo}/git-receive-pack`."""
    repo = discussion_access.repo_to_upload_to(actor, kind, owner, repo_name(name), follow=True)
    user = actors.writer(actor)
    if request.content_type != f"application/x-{RECEIVE_PACK}-request":
        raise BadInput(_("the body must be application/x-%(receive_pack)s-request") % {"receive_pack": RECEIVE_PACK})
    body = Body(request)
    commands = _read_commands(body)
    if not commands.updates:  # git asks so whether it may push, before it sends what it cannot send twice
        return _answer([])
    for reference in _to_ask_for(commands.updates):
        discussion_access.repo_to_commit_to(actor, repo.kind, repo.namespace.name, repo.name, reference)
    report = _push(repo, user, commands, body)
    return _answer(_told(report, commands.abilities))


def _to_ask_for(updates: Iterable[RefUpdate]) -> set[str]:
    """Refs whose rights differ: each pull request has an author, all else belongs to the repo's writers."""
    folder = Ref.FOLDERS[Ref.Kind.PULL_REQUEST.value]
    return {update.name if update.name.startswith(folder) else "refs/heads/" for update in updates}


def _push(repo: Repo, user: User, commands: _Commands, body: Body) -> _Report:
    try:
        return _Report(refused=_accepted(repo, user, commands, body))
    except BadInput as malformed:
        return _failed(commands, malformed.message, malformed.message)
    except CatalogError as refused:
        return _failed(commands, "ok", refused.message)


def _accepted(repo: Repo, user: User, commands: _Commands, body: Body) -> dict[str, str]:
    is_atomic = "atomic" in commands.abilities
    if all(update.deletes for update in commands.updates):
        return pushes.accept_push(Push(repo, user, commands.updates, None, is_atomic))
    with quarantined(iter(body.read_some, b"")) as pack:
        return pushes.accept_push(Push(repo, user, commands.updates, pack, is_atomic))


def _failed(commands: _Commands, unpack: str, message: str) -> _Report:
    return _Report(unpack, {update.name: "refused, see above" for update in commands.updates}, message)


def _read_commands(body: Body) -> _Commands:
    commands = _Commands()
    for line in read_section(body, most_bytes=LONGEST_COMMANDS_BYTES):
        if line.startswith(b"shallow "):
            continue  # what is missing is noticed when the commits are read
        found = _COMMAND.fullmatch(line)
        try:
            name = found[3].decode() if found else ""
        except UnicodeDecodeError:
            name = ""
        if found is None or not name:
            raise BadInput(_("a command of the push is malformed"))
        if found[4] is not None:
            commands.abilities = set(found[4].decode(errors="replace").split())
        commands.updates.append(RefUpdate(name, found[1].decode(), found[2].decode()))
    if "push-options" in commands.abilities:
        raise BadInput(_("push options are not known here"))
    return commands


def _told(report: _Report, abilities: set[str]) -> Iterable[bytes]:
    if "report-status" not in abilities:
        return []
    lines = [f"unpack {_one_line(report.unpack)}"]
    for name, reason in report.refused.items():
        lines.append(f"ng {name} {_one_line(reason)}" if reason else f"ok {name}")
    told = b"".join(packet(f"{line}\n") for line in lines) + FLUSH
    return _on_bands(told, report.message) if "side-band-64k" in abilities else [told]


def _on_bands(told: bytes, message: str) -> Iterator[bytes]:
    if message:
        yield from banded(Band.PROGRESS, [f"{message}\n".encode()])
    yield from banded(Band.DATA, [told])
    yield FLUSH


def _one_line(text: str) -> str:
    return " ".join(text.split())[:1000]


def _answer(packets: Iterable[bytes]) -> HttpResponseBase:
    return uncached(HttpResponse(b"".join(packets), content_type=f"application/x-{RECEIVE_PACK}-result"))
