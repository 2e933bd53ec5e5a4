"""What a fetching client says, in either protocol: pkt-lines in, one request out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import BadInput
from catalog.parsing.pkt_line import LONGEST_PACKET_BYTES, Marker, Reader, read_packet, read_section

LONGEST_REQUEST_BYTES: Final = 32 * 1024 * 1024
LARGEST_NUMBER: Final = 2**31 - 1

_OID = re.compile(r"[0-9a-f]{40}", re.ASCII)
_OIDS: Final = {"want": "wants", "have": "haves", "shallow": "shallow"}
_FLAGS: Final = {
    "deepen-relative": "is_relative",
    "done": "is_done",
    "include-tag": "with_tags",
    "wait-for-done": "waits_for_done",
}
_LIMIT = re.compile(r"blob:limit=([0-9]{1,15})([kmg]?)", re.ASCII)
_UNITS: Final = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_MAY_BE_IGNORED: Final = {"thin-pack", "no-progress", "ofs-delta"}  # leave to do what is not done here
_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)


@dataclass
class FetchLines:
    """Wants, haves and options, by the words both protocols share."""

    wants: list[str] = field(default_factory=list)
    haves: list[str] = field(default_factory=list)
    shallow: list[str] = field(default_factory=list)
    depth: int | None = None
    since: int | None = None
    without: list[str] = field(default_factory=list)  # names of refs
    is_relative: bool = False
    is_done: bool = False
    with_tags: bool = False
    files_below_bytes: int | None = None  # leave out larger files; None: send all
    waits_for_done: bool = False
    asks_for_depth_alone: bool = False  # a v0 client hears first where its history will end
    abilities: set[str] = field(default_factory=set)  # of a v0 client

    @property
    def packet_bytes(self) -> int:
        """The size of packets on side bands; 0 without bands."""
        if "side-band-64k" in self.abilities:
            return LONGEST_PACKET_BYTES
        return 1000 if "side-band" in self.abilities else 0


def read_command(body: Reader) -> tuple[str, list[str]]:
    """Reads a v2 request: the command and its arguments. Raises `BadInput`."""
    command, room = "", LONGEST_REQUEST_BYTES
    while isinstance(line := read_packet(body), bytes):
        text = _text(line)
        if text.startswith("command="):
            command = text.removeprefix("command=")
        elif text.startswith("object-format=") and text != "object-format=sha1":
            raise BadInput(_("only sha1 repositories are served"))
    arguments = read_section(body, most_bytes=room) if line is Marker.DELIMITER else []
    return command, [_text(line) for line in arguments]


def fetch_arguments(arguments: Iterable[str]) -> FetchLines:
    """Takes the arguments of v2's `fetch` apart. Raises `BadInput`."""
    lines = FetchLines()
    for argument in arguments:
        _take(lines, argument)
    if not lines.wants:
        raise BadInput(_("the request wants nothing"))
    return lines


def read_fetch(body: Reader) -> FetchLines | None:
    """Reads a v0 request; None when the client wants nothing. Raises `BadInput`."""
    lines = FetchLines()
    for number, line in enumerate(read_section(body, most_bytes=LONGEST_REQUEST_BYTES)):
        text = _text(line)
        if number == 0 and text.startswith("want "):
            text, _space, abilities = text.partition(" ")[2].partition(" ")
            lines.abilities = set(abilities.split())
            text = f"want {text}"
        _take(lines, text)
    if not lines.wants:
        return None
    lines.is_relative = "deepen-relative" in lines.abilities
    lines.with_tags = "include-tag" in lines.abilities
    _read_haves(lines, body)
    return lines


def _read_haves(lines: FetchLines, body: Reader) -> None:
    room = LONGEST_REQUEST_BYTES
    lines.asks_for_depth_alone = True
    while not lines.is_done and (packet := read_packet(body)) is not None:
        lines.asks_for_depth_alone = False
        if isinstance(packet, bytes):
            room -= len(packet) + 4
            if room < 0:
                raise BadInput(_("The request is longer than this server accepts."))
            _take(lines, _text(packet))


def _take(lines: FetchLines, text: str) -> None:
    word, _space, value = text.partition(" ")
    if word in _OIDS:
        getattr(lines, _OIDS[word]).append(_oid(value))
    elif word in _FLAGS:
        setattr(lines, _FLAGS[word], True)
    elif word == "deepen":
        lines.depth = _number(value) or None
    elif word == "deepen-since":
        lines.since = _number(value)
    elif word == "filter":
        lines.files_below_bytes = _file_limit(value)
    elif word == "deepen-not":
        lines.without.append(value)
    elif word not in _MAY_BE_IGNORED:
        raise BadInput(_("the argument %(value)r is not known here") % {"value": text[:80]})


def _text(line: bytes) -> str:
    try:
        return line.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise BadInput(_("the request is not UTF-8")) from None


def _oid(text: str) -> str:
    if not _OID.fullmatch(text):
        raise BadInput(_("%(value)r is no object id") % {"value": text[:80]})
    return text


def _file_limit(text: str) -> int:
    """`blob:none` and `blob:limit=10k`: a partial clone, which asks for the other files when it needs them."""
    if text == "blob:none":
        return 0
    found = _LIMIT.fullmatch(text)
    if not found:
        raise BadInput(f"filter {text[:80]!r} not supported")
    return int(found[1]) * _UNITS[found[2]]


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > LARGEST_NUMBER:
        raise BadInput(_("%(value)r is no number this server works with") % {"value": text[:80]})
    return int(text)
