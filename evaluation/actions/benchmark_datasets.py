"""Small private datasets that teams measure on: "50 labelled samples are enough to start".

A dataset is a repo like any other, private and its team's own, so every tool of the Hub reads it; what is uploaded
here is one commit, and that commit is what definitions pin.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.actions import repos
from catalog.actions.history import commits
from catalog.actions.incoming import uploads
from catalog.errors import NotAllowed
from catalog.models import Commit, Namespace, Repo, User
from catalog.parsing import names
from catalog.types import AddFile
from evaluation.benchmarks.hub.checking import Checked, check_table, table_file
from evaluation.benchmarks.hub.layout import format_of
from evaluation.benchmarks.hub.pictures import ENDINGS, read_zip
from evaluation.benchmarks.hub.starters import starter
from evaluation.benchmarks.hub.tables import BadTable
from evaluation.errors import BadDataset

LARGEST_UPLOAD: Final = 50 * 1024 * 1024  # bytes
FEWEST_ROWS: Final = 2
TASKS: Final = ("text-classification", "image-classification", "other")


@dataclass(frozen=True)
class Asked:
    """What somebody wants to upload."""

    name: str  # of the repo
    task: str  # one of TASKS
    filename: str
    content: bytes
    text: str = "text"  # columns of a table of texts
    label: str = "label"


@dataclass(frozen=True)
class UploadedDataset:
    repo: Repo
    commit: Commit
    checked: Checked
    definition: str  # YAML to start from; "" where the task gives none


def upload_dataset(*, asked: Asked, namespace: Namespace, actor: User) -> UploadedDataset:
    """Check every row, then commit the data to the private dataset of this name, which is made where it is missing.

    Raises:
        BadDataset: the first faults, each with its line; nothing is kept.
        InvalidName, NameTaken, QuotaExceeded
        NotAllowed: a public dataset has this name.
    """
    names.check_name(asked.name)
    if len(asked.content) > LARGEST_UPLOAD:
        raise BadDataset(_("The file is larger than %(most)d MiB.") % {"most": LARGEST_UPLOAD >> 20})
    files, checked = _looked_at(asked)
    faults = [*checked.faults, *_too_little(asked, checked)]
    if faults:
        raise BadDataset(" ".join(faults), problems=faults)
    with transaction.atomic():
        repo = _repo(namespace, asked.name, actor)
        commit = _commit(repo, files, asked, actor)
    definition = starter(
        task=asked.task, repo=repo.full_name, revision=commit.oid, checked=checked, text=asked.text, label=asked.label
    )
    return UploadedDataset(repo, commit, checked, definition)


def _looked_at(asked: Asked) -> tuple[dict[str, bytes], Checked]:
    """The files to commit, and what was found in them."""
    if asked.task not in TASKS:
        raise BadDataset(_("The task is one of %(tasks)s.") % {"tasks": ", ".join(TASKS)})
    try:
        if asked.task == "image-classification":
            images = read_zip(asked.content)
            return {f"test/{name}": content for name, content in images.files.items()}, images.checked
        is_text = asked.task == "text-classification"
        path = f"test{format_of(asked.filename) or '.unknown'}"
        checked = check_table(
            table_file(path, asked.content),
            text=asked.text if is_text else "",
            label=asked.label if is_text else "",
        )
    except BadTable as problem:
        raise BadDataset(str(problem), problems=[str(problem)]) from problem
    return {f"data/{path}": asked.content}, checked


def _too_little(asked: Asked, checked: Checked) -> list[str]:
    if checked.faults:
        return []
    found = []
    if checked.rows < FEWEST_ROWS:
        found.append(_("At least %(count)d rows are needed.") % {"count": FEWEST_ROWS})
    if asked.task != "other" and len(checked.labels) < 2:
        found.append(_("At least two different labels are needed."))
    return found


def _repo(namespace: Namespace, name: str, actor: User) -> Repo:
    known = Repo.objects.live().select_related("namespace").filter(
        namespace=namespace, kind=Repo.Kind.DATASET, name_key=name.casefold()
    ).first()  # fmt: skip
    if known is None:
        return repos.create_repo(
            namespace=namespace, kind=Repo.Kind.DATASET, name=name, visibility=Repo.Visibility.PRIVATE, actor=actor
        )
    if not known.is_private or known.is_mirror:
        raise NotAllowed(
            _("%(name)s is a public dataset, or a mirror; choose another name.") % {"name": known.full_name}
        )
    return known


def _commit(repo: Repo, files: Mapping[str, bytes], asked: Asked, actor: User) -> Commit:
    contents = {**files, "README.md": _card(repo, asked, files)}
    blobs = uploads.store_many(repo=repo, contents=list(contents.values()), actor=actor)
    changes = [
        AddFile(path=path, sha256=blob.sha256, as_lfs=path.lower().endswith(ENDINGS))
        for path, blob in zip(contents, blobs, strict=True)
    ]
    title = _("Upload %(name)s") % {"name": asked.filename[:100]}
    return commits.commit_files(repo=repo, branch=repo.default_branch, changes=changes, title=title, actor=actor)


def _card(repo: Repo, asked: Asked, files: Mapping[str, bytes]) -> bytes:
    """The card says which file is the split, so that later uploads in another format replace it."""
    table = next(path for path in files if format_of(path))
    lines = [
        "---",
        *([f"task_categories: [{asked.task}]"] if asked.task != "other" else []),
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: test",
        f"    path: {json.dumps(table)}",
        "---",
        f"# {repo.name}",
        "",
        "Data to measure models on, uploaded as a private dataset.",
        "",
    ]
    return "\n".join(lines).encode()
