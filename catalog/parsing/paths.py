"""Which paths a file in a repo may have.

A path is data here, never a path on our disk; the rules protect the people who download it onto theirs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import InvalidPath
from catalog.parsing.characters import is_control, is_ignorable, is_invisible

LONGEST_PATH_BYTES: Final = 1024
LONGEST_MIRRORED_PATH_BYTES: Final = 2048  # what a PostgreSQL index entry can hold, with room for its other columns
LONGEST_SEGMENT_BYTES: Final = 255
DEEPEST_PATH: Final = 32

_WINDOWS_DEVICE = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])", re.IGNORECASE)


def check_path(path: str) -> str:
    """The path itself, when it is safe and portable for everybody who will download it.

    Raises:
        InvalidPath: with a sentence that says what is wrong.
    """
    _refuse_dangerous(path)
    if unicodedata.normalize("NFC", path) != path:
        raise _invalid(path, _("it is not in Unicode normal form C"))
    if len(path.encode()) > LONGEST_PATH_BYTES:
        raise _invalid(
            path, _("it is longer than %(longest_path_bytes)s bytes") % {"longest_path_bytes": LONGEST_PATH_BYTES}
        )
    if ":" in path:
        raise _invalid(path, _("it contains ':'"))
    if any(is_invisible(char) for char in path):
        raise _invalid(path, _("it contains an invisible character"))
    segments = path.split("/")
    if len(segments) > DEEPEST_PATH:
        raise _invalid(path, _("it is deeper than %(deepest_path)s levels") % {"deepest_path": DEEPEST_PATH})
    for segment in segments:
        if len(segment.encode()) > LONGEST_SEGMENT_BYTES:
            raise _invalid(
                path,
                _("a part is longer than %(longest_segment_bytes)s bytes")
                % {"longest_segment_bytes": LONGEST_SEGMENT_BYTES},
            )
        if segment.endswith((".", " ")):
            raise _invalid(path, _("a part ends with a dot or a space"))
        if _WINDOWS_DEVICE.fullmatch(segment.split(".")[0].rstrip(" ")):
            raise _invalid(path, _("a part is the name of a Windows device"))
    return path


def check_mirrored_path(path: str) -> str:
    """The path itself, unless it is dangerous: history from elsewhere is kept byte-true, so style does not matter.

    Raises:
        InvalidPath: with a sentence that says what is wrong.
    """
    _refuse_dangerous(path)
    if len(path.encode()) > LONGEST_MIRRORED_PATH_BYTES:
        raise _invalid(
            path,
            _("it is longer than %(longest_mirrored_path_bytes)s bytes")
            % {"longest_mirrored_path_bytes": LONGEST_MIRRORED_PATH_BYTES},
        )
    return path


def find_collisions(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of paths that some file system cannot hold together, the earlier one first.

    Two paths collide when they are equal after NFC and casefold, or when one is a file and the other needs
    a directory of that name.
    """
    files: dict[str, str] = {}
    collisions: list[tuple[str, str]] = []
    for path in paths:
        first = files.setdefault(_folded(path), path)
        if first != path:
            collisions.append((first, path))
    for folded, path in files.items():
        collisions.extend((files[parent], path) for parent in _directories(folded) if parent in files)
    return collisions


def _refuse_dangerous(path: str) -> None:
    if not path:
        raise InvalidPath(_("A path must not be empty."))
    try:
        path.encode()
    except UnicodeEncodeError:
        raise _invalid(path, _("it is not valid UTF-8")) from None
    if any(is_control(char) for char in path):
        raise _invalid(path, _("it contains a control character"))
    if "\\" in path:
        raise _invalid(path, _("it contains a backslash"))
    if path.startswith("/"):
        raise _invalid(path, _("it starts with '/'"))
    if path.endswith("/"):
        raise _invalid(path, _("it ends with '/'"))
    for segment in path.split("/"):
        if segment in {"", ".", ".."}:
            raise _invalid(path, _("it has an empty, '.' or '..' part"))
        if _is_git_directory(segment):
            raise _invalid(path, _("a part is read as '.git' on some file system"))


def _is_git_directory(segment: str) -> bool:
    """Whether any usual file system would open `.git` under this name."""
    folded = unicodedata.normalize("NFKC", segment).casefold()
    visible = "".join(char for char in folded if not is_ignorable(char))
    stem = visible.split(":")[0].rstrip(". ")  # NTFS drops these, and reads ":" as the start of a stream name
    return stem in {".git", "git~1"}


def _directories(path: str) -> Iterator[str]:
    """`a/b/c` has the directories `a` and `a/b`."""
    end = path.find("/")
    while end != -1:
        yield path[:end]
        end = path.find("/", end + 1)


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _invalid(path: str, reason: str) -> InvalidPath:
    shown = path if len(path) <= 100 else f"{path[:100]}…"
    return InvalidPath(
        _("The path %(value)s is refused: %(reason)s.")
        % {"value": ascii(shown) if not shown.isprintable() else repr(shown), "reason": reason}
    )
