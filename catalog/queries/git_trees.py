"""Folders by git's ids: of a pack that came in, or of what the repo holds already; and how two of them differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import BadInput, BadMetadata, TooLarge
from catalog.models import Commit, Repo, TreeEntry
from catalog.parsing import git_objects
from catalog.parsing.git_strict import strict_tree
from catalog.parsing.pack_reading import TREE, Pack

MOST_ENTRIES_REMEMBERED: Final = 50_000

Child = tuple[int, str]  # mode, git id
Children = dict[str, Child]  # by name


@dataclass
class TreeDifference:
    """What leads from one tree to another; None: gone."""

    files: dict[str, Child | None] = field(default_factory=dict)
    folders: dict[str, str | None] = field(default_factory=dict)


class Folders:
    """Reads folders by their ids, and remembers the last ones."""

    def __init__(self, repo: Repo, pack: Pack | None) -> None:
        self._repo, self._pack = repo, pack
        self._known: dict[str, Children] = {}
        self._remembered = 0

    def difference(self, before: str, after: str, *, held: Commit | None, most: int) -> TreeDifference:
        """Returns what leads from one root to another.

        Args:
            before: "" where there was nothing.
            held: a commit of the repo whose root is `before`; finding its folders is quick then.

        Raises:
            BadMetadata: a folder is malformed, empty, or not there.
            TooLarge: more than `most` files differ.
        """
        found = TreeDifference()
        waiting = [("", before, after)]
        while waiting:
            path, old, new = waiting.pop()
            if len(found.files) > most:
                raise TooLarge(_("A commit may change at most %(most)s files.") % {"most": most})
            children = self.children(new, path=path) if new else {}
            if new and path and not children:
                raise BadMetadata(_("The folder %(path)r is empty; git keeps no empty folders.") % {"path": path})
            former = self.children(old, held=held, path=path) if old else {}
            for name in former.keys() | children.keys():
                here = f"{path}/{name}" if path else name
                waiting += _note(found, here, former.get(name), children.get(name))
        return found

    def children(self, oid: str, *, held: Commit | None = None, path: str = "") -> Children:
        """Returns what a folder holds. Raises `BadMetadata` as `difference`."""
        if oid == git_objects.EMPTY_TREE_ID:
            return {}
        if oid not in self._known:
            children = self._read(oid, held, path)
            if self._remembered > MOST_ENTRIES_REMEMBERED:
                self._known.clear()
                self._remembered = 0
            self._known[oid] = children
            self._remembered += len(children)
        return self._known[oid]

    def _read(self, oid: str, held: Commit | None, path: str) -> Children:
        name = bytes.fromhex(oid)
        if self._pack is not None and name in self._pack.objects:
            if self._pack.objects[name].kind != TREE:
                raise BadMetadata(_("The folder %(path)r is no tree object.") % {"path": path})
            return {item.name: (item.mode, item.oid) for item in strict_tree(self._pack.content(name))}
        if held is None:
            held, path = self._place_of(oid, path)
        rows = TreeEntry.objects.at(held).filter(folder=path).values_list("path", "mode", "oid")
        start = len(path) + 1 if path else 0
        return {full[start:]: (mode, child) for full, mode, child in rows}

    def _place_of(self, oid: str, path: str) -> tuple[Commit, str]:
        """Where the repo has had a folder with this id."""
        commit = self._repo.commits.filter(tree_oid=oid).first()
        if commit is not None:
            return commit, ""
        folders = TreeEntry.objects.filter(line__repo=self._repo, mode=TreeEntry.MODE_FOLDER, oid=oid)
        entry = folders.first()
        if entry is None:
            raise BadInput(
                _("The folder %(path)r (%(oid)s) is neither in the pack nor here.") % {"path": path, "oid": oid}
            )
        # a fork begins with copies that no commit of its own line has yet
        return Commit(line_id=entry.line_id, seq=entry.first_seq), entry.path


def _note(found: TreeDifference, path: str, old: Child | None, new: Child | None) -> list[tuple[str, str, str]]:
    """Records how one name differs; returns the pair of folders to look into, if any."""
    if old == new:
        return []
    old_folder, new_folder = _folder_id(old), _folder_id(new)
    if new is not None and not new_folder:
        found.files[path] = new
    elif old is not None and not old_folder:
        found.files[path] = None
    if old_folder or new_folder:
        found.folders[path] = new_folder or None
    return [(path, old_folder, new_folder)] if old_folder != new_folder else []


def _folder_id(child: Child | None) -> str:
    return child[1] if child is not None and child[0] == git_objects.DIRECTORY_MODE else ""
