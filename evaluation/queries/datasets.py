"""The data of benchmarks among the datasets of this hub: whether it is here, for whom, and its files.

A definition names `owner/name` at one commit. What counts as that dataset here is a repo of the same name, or a
mirror of it under any name, that holds the very commit: ids of commits are hashes of what they hold (decision 4),
so nobody can put other data in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from django.db.models import Q
from django.utils.translation import gettext as _

from catalog import access as catalog_access
from catalog.actors import Actor
from catalog.models import Commit, Repo, User
from catalog.queries import trees
from catalog.stores import blob_store
from evaluation.benchmarks.hub.files import DataFile, DatasetFiles
from evaluation.models import Benchmark, Run
from evaluation.models.benchmark import UNKNOWN_REVISION

BUILTIN: Final = "builtin:"
MOST_FILES: Final = 50_000  # of one dataset


@dataclass(frozen=True)
class DataState:
    """Whether a benchmark can run as far as its data goes; `sentence` is empty when it can."""

    code: Literal["ready", "waiting", "unpinned"]
    sentence: str = ""
    commit: Commit | None = None  # where the data is; repo and namespace selected; None for built-in data

    @property
    def is_ready(self) -> bool:
        return self.code == "ready"


READY: Final = DataState("ready")


def data_states(benchmarks: Iterable[Benchmark], user: User | None) -> dict[int, DataState]:
    """Primary key → state, as this person may know it: a private copy they may not read is not told of."""
    listed = list(benchmarks)
    copies = _copies(listed)
    shown = Repo.objects.visible_to(user).filter(pk__in={commit.repo_id for commit in copies}) if copies else ()
    visible = {repo.pk for repo in shown}
    return {
        benchmark.pk: _state(benchmark, [one for one in copies if _may_use(benchmark, one.repo, visible, user)])
        for benchmark in listed
    }


def data_state(benchmark: Benchmark, user: User | None) -> DataState:
    return data_states([benchmark], user)[benchmark.pk]


def files_of_run(run: Run) -> DatasetFiles | None:
    """The data of a run, read with the rights of whoever asked for it; None when it is built in, or not here."""
    state = data_state(run.benchmark, run.requester)
    return None if state.commit is None else files_of(state.commit)


def files_of(commit: Commit) -> DatasetFiles:
    """The files of one commit; those deleted for good are left out."""
    entries = trees.entries_in(commit).files().exclude(blob=None).order_by("path")[:MOST_FILES]
    files = {
        entry.path: DataFile(entry.path, entry.blob.size, partial(blob_store().open, entry.blob.sha256))
        for entry in entries
        if entry.blob is not None
    }
    return DatasetFiles(repo=commit.repo.full_name, revision=commit.oid, files=files)


def _state(benchmark: Benchmark, copies: list[Commit]) -> DataState:
    dataset = benchmark.definition["dataset"]
    name, revision = dataset["repo"], dataset["revision"]
    if name.startswith(BUILTIN):
        return READY
    if revision == UNKNOWN_REVISION:
        return DataState(
            "unpinned",
            _("No revision of %(name)s is known here: an operator pins it with `manage.py pin_dataset %(slug)s`.")
            % {"name": name, "slug": benchmark.slug},
        )
    for commit in copies:
        if commit.oid == revision and _is_copy(commit.repo, name):
            return DataState("ready", commit=commit)
    return DataState(
        "waiting", _("Waiting for data: mirror %(name)s@%(revision)s") % {"name": name, "revision": revision}
    )


def _copies(benchmarks: list[Benchmark]) -> list[Commit]:
    """The commits that any of these benchmarks names, in repos that carry the name or mirror it; public ones first."""
    wanted = {
        (dataset["repo"], dataset["revision"])
        for dataset in (benchmark.definition["dataset"] for benchmark in benchmarks)
        if not dataset["repo"].startswith(BUILTIN) and dataset["revision"] != UNKNOWN_REVISION
    }
    if not wanted:
        return []
    names = [name.casefold().partition("/") for name, _revision in wanted]
    repos = Repo.objects.live().filter(kind=Repo.Kind.DATASET)
    named = Q(namespace__key__in={name[0] for name in names}, name_key__in={name[2] for name in names})
    mirrored = Q(mirror__upstream_name__in={name for name, _revision in wanted})
    commits = Commit.objects.filter(
        oid__in={revision for _name, revision in wanted}, repo__in=repos.filter(named | mirrored).values("pk")
    )
    found = commits.select_related("repo__namespace", "repo__mirror", "line").defer("raw").order_by("pk")
    return sorted(found, key=lambda commit: (commit.repo.is_private, commit.repo.is_gated, commit.pk))


def _is_copy(repo: Repo, name: str) -> bool:
    if repo.full_name.casefold() == name.casefold():
        return True
    return repo.is_mirror and repo.mirror.upstream_name.casefold() == name.casefold()


def _may_use(benchmark: Benchmark, repo: Repo, visible: set[int], user: User | None) -> bool:
    """Data of the team whose benchmark it is serves all its runs; other data only whom it would be shown to."""
    if benchmark.namespace_id is not None and repo.namespace_id == benchmark.namespace_id:
        return True
    return repo.pk in visible and catalog_access.has_files(Actor(user), repo)
