"""The folders of a new commit: which ids git gives them, and whether the files fit together.

Only folders on the way to a changed file are read and hashed again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from catalog.actions.history.changesets import NewFile
from catalog.errors import InvalidPath
from catalog.models import Commit, TreeEntry
from catalog.parsing import git_objects
from catalog.parsing.git_objects import TreeItem
from catalog.parsing.paths import find_collisions

Children = dict[str, tuple[int, str]]  # name → (mode, git id)


@dataclass
class NewTree:
    """The root of a commit and the folders that differ from the commit before; None: gone."""

    oid: str
    folders: dict[str, str | None] = field(default_factory=dict)


def build(base: Commit | None, files: dict[str, NewFile | None], *, refuse_collisions: bool = True) -> NewTree:
    """Returns the tree of `base` after these changes.

    Args:
        refuse_collisions: whether names that some file systems cannot hold together are an error.

    Raises:
        InvalidPath: a path would be both a file and a folder, or two differ in case or Unicode form only.
    """
    changed = _by_folder(files)
    children = _children_of(base, changed)
    subfolders: dict[str, dict[str, str | None]] = defaultdict(dict)  # folder → name below it → id
    tree = NewTree(oid=base.tree_oid if base else git_objects.EMPTY_TREE_ID)
    for folder in sorted(changed, key=_depth, reverse=True):
        present = children[folder]
        before = set(present)
        _apply(folder, present, changed[folder], subfolders[folder])
        if refuse_collisions:
            _refuse_collisions(folder, before, present)
        oid = _id_of(present)
        if folder:
            above, _, name = folder.rpartition("/")
            tree.folders[folder] = subfolders[above][name] = oid if present else None
        else:
            tree.oid = oid
    return tree


def parent_of(path: str) -> str:
    """The folder a path lies in; "" is the root."""
    return path.rpartition("/")[0]


def _by_folder(files: dict[str, NewFile | None]) -> dict[str, dict[str, NewFile | None]]:
    """Changed files by the folder they lie in; every folder above is there, too."""
    changed: dict[str, dict[str, NewFile | None]] = defaultdict(dict)
    for path, new in files.items():
        folder, _, name = path.rpartition("/")
        changed[folder][name] = new
        for ancestor in _ancestors(folder):
            changed[ancestor]  # makes the entry
    return changed


def _ancestors(folder: str) -> Iterator[str]:
    while folder:
        folder = parent_of(folder)
        yield folder


def _children_of(base: Commit | None, folders: Iterable[str]) -> dict[str, Children]:
    children: dict[str, Children] = {folder: {} for folder in folders}
    if base is not None:
        rows = TreeEntry.objects.at(base).filter(folder__any_of=children)
        for folder, path, mode, oid in rows.values_list("folder", "path", "mode", "oid"):
            children[folder][path[len(folder) + 1 if folder else 0 :]] = (mode, oid)
    return children


def _apply(
    folder: str,
    present: Children,
    changed: dict[str, NewFile | None],
    subfolders: dict[str, str | None],
) -> None:
    """Files leave, folders change, files come: in this order, so that a name may change its nature."""
    for name, new in changed.items():
        if new is None:
            present.pop(name, None)
    for name, oid in subfolders.items():
        if oid is None:
            present.pop(name, None)
            continue
        if name in present and present[name][0] != TreeEntry.MODE_FOLDER:
            raise _not_both(folder, name)
        present[name] = (TreeEntry.MODE_FOLDER, oid)
    for name, new in changed.items():
        if new is not None:
            if name in present and present[name][0] == TreeEntry.MODE_FOLDER:
                raise _not_both(folder, name)
            present[name] = (new.mode, new.oid)


def _not_both(folder: str, name: str) -> InvalidPath:
    path = f"{folder}/{name}" if folder else name
    return InvalidPath(_("The path %(path)r cannot be both a file and a folder.") % {"path": path}, path=path)


def _refuse_collisions(folder: str, before: set[str], present: Children) -> None:
    added = [name for name in present if name not in before]
    if not added:
        return
    kept = [name for name in present if name in before]
    fresh = set(added)
    for first, second in find_collisions([*kept, *added]):
        if second in fresh:  # what a mirror or git brought earlier is left alone
            where = f"{folder}/" if folder else ""
            raise InvalidPath(
                _("The paths %(value)r and %(value2)r cannot lie side by side on every file system.")
                % {"value": where + first, "value2": where + second},
                path=where + second,
            )


def _id_of(children: Children) -> str:
    items = [TreeItem(mode, name, oid) for name, (mode, oid) in children.items()]
    return git_objects.object_id("tree", git_objects.tree_body(items))


def _depth(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0
