"""What `git fsck` demands of objects, asked before they are kept: a clone of what was pushed must be clean.

Source: git's fsck.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import BadMetadata
from catalog.parsing import git_objects
from catalog.parsing.git_objects import CommitFields, TreeItem

LONGEST_OBJECT_BYTES: Final = 1024 * 1024  # of a commit or a tag

_IDENTITY = rb"[^<>\n\0]*? ?<[^<>\n\0]*> (?:0|[1-9][0-9]{0,17}) [+-][0-9]{4}\n"
_COMMIT = re.compile(
    rb"tree [0-9a-f]{40}\n(?:parent [0-9a-f]{40}\n)*author " + _IDENTITY + rb"committer " + _IDENTITY + rb"[^\0]*\Z"
)
_TAG = re.compile(
    rb"object ([0-9a-f]{40})\ntype ([a-z]+)\ntag ([^\n\0]+)\n(?:tagger " + _IDENTITY + rb")?\n?([^\0]*)\Z"
)
_FILES_THAT_STEER_GIT: Final = {".gitattributes", ".gitignore", ".gitmodules", ".mailmap"}
_MODES: Final = {
    git_objects.FILE_MODE,
    git_objects.EXECUTABLE_MODE,
    git_objects.SYMLINK_MODE,
    git_objects.DIRECTORY_MODE,
}


@dataclass(frozen=True)
class TagFields:
    """What an annotated tag says."""

    target: str
    target_kind: str
    name: str
    message: str


def strict_commit(body: bytes) -> CommitFields:
    """What a commit says. Raises `BadMetadata` where git would complain about it."""
    if len(body) > LONGEST_OBJECT_BYTES:
        raise BadMetadata(_("A commit object is longer than this server keeps."))
    if not _COMMIT.match(body):
        raise BadMetadata(_("A commit object is malformed; `git fsck` says how."))
    return git_objects.parse_commit(body)


def strict_tag(body: bytes) -> TagFields:
    """What a tag says. Raises `BadMetadata` where git would complain about it."""
    found = _TAG.match(body) if len(body) <= LONGEST_OBJECT_BYTES else None
    if found is None:
        raise BadMetadata(_("A tag object is malformed; `git fsck` says how."))
    name, message = found[3].decode(errors="replace"), found[4].decode(errors="replace")
    return TagFields(found[1].decode(), found[2].decode(), name, message)


def strict_tree(body: bytes) -> list[TreeItem]:
    """The entries of a folder.

    Raises:
        BadMetadata: git would complain about it, or it holds what is not kept here, such as a submodule.
    """
    items = git_objects.parse_tree(body)
    names = {item.name for item in items}
    if len(names) != len(items) or git_objects.tree_body(items) != body:
        raise BadMetadata(_("A folder is malformed; `git fsck` says how."))
    for item in items:
        if item.mode == git_objects.SUBMODULE_MODE:
            raise BadMetadata(_("%(name)r is a submodule; submodules are not kept here.") % {"name": item.name})
        if item.mode not in _MODES:
            raise BadMetadata(_("%(name)r has a file mode git does not use.") % {"name": item.name})
        if item.mode == git_objects.SYMLINK_MODE and item.name.casefold() in _FILES_THAT_STEER_GIT:
            raise BadMetadata(_("%(name)r must not be a symbolic link.") % {"name": item.name})
    return items
