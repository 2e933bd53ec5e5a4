"""The files of a commit that an evaluation needs: what a node may fetch, and what the run key hashes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.models import Commit, TreeEntry
from catalog.queries import trees
from evaluation.models import Run

CONFIG = "config.json"
# Code and pictures never travel to a node.
SUFFIXES = (".json", ".txt", ".model", ".spm", ".safetensors", ".jinja", ".tiktoken")
MODULE_FOLDER = re.compile(r"\d+_[A-Za-z]+")  # sentence-transformers' parts, such as 1_Pooling
MAIN_WEIGHTS = re.compile(r"model(-(\d{5})-of-(\d{5}))?\.safetensors")
# Only where there are no safetensors; a node converts them behind its walls.
PICKLED = re.compile(r"pytorch_model(-(\d{5})-of-(\d{5}))?\.bin")
MOST_FILES = 500


@dataclass(frozen=True)
class SnapshotFile:
    """One file of a model as its readers get it: LFS files are the real bytes."""

    path: str
    size: int
    sha256: str

    @property
    def is_weights(self) -> bool:
        return self.path.endswith(".safetensors") or self.is_pickled

    @property
    def is_pickled(self) -> bool:
        return PICKLED.fullmatch(self.path) is not None


@dataclass(frozen=True)
class Snapshot:
    """The part of a commit that decides what the model answers."""

    files: tuple[SnapshotFile, ...]

    @property
    def weights(self) -> tuple[SnapshotFile, ...]:
        """Weight files of the model itself, not of the modules around it."""
        return tuple(file for file in self.files if file.is_weights and "/" not in file.path)

    @property
    def config(self) -> SnapshotFile | None:
        return next((file for file in self.files if file.path == CONFIG), None)

    @property
    def missing_shards(self) -> int:
        """How many of the files that `…-of-NNNNN` promises are not there."""
        names = [MAIN_WEIGHTS.fullmatch(file.path) or PICKLED.fullmatch(file.path) for file in self.weights]
        shards = [found for found in names if found and found[1]]
        return int(shards[0][3]) - len(shards) if shards else 0

    @property
    def weights_bytes(self) -> int:
        return sum(file.size for file in self.files if file.is_weights)


def snapshot_of(commit: Commit) -> Snapshot:
    """What a node needs of this commit, by path. A repo with several sets of weights gives the main one."""
    entries = trees.entries_in(commit).files().exclude(blob=None).order_by("path")
    wanted = [_described(entry) for entry in entries if _is_wanted(entry)]
    if any(MAIN_WEIGHTS.fullmatch(file.path) for file in wanted):
        wanted = [file for file in wanted if not _is_spare(file)]
    return Snapshot(tuple(_without_spare_pickles(wanted)[:MOST_FILES]))


def snapshot_of_run(run: Run) -> Snapshot:
    """The files granted to whoever holds this run. Raises `RevisionNotFound` when the commit is gone."""
    return snapshot_of(trees.resolve_revision(run.repo, run.commit_oid))


def _without_spare_pickles(files: list[SnapshotFile]) -> list[SnapshotFile]:
    """Pickles only where nothing else holds the weights, and no shards beside the whole."""
    if any(file.path.endswith(".safetensors") and "/" not in file.path for file in files):
        return [file for file in files if not file.is_pickled]
    if any(file.path == "pytorch_model.bin" for file in files):
        return [file for file in files if not file.is_pickled or file.path == "pytorch_model.bin"]
    return files


def _is_wanted(entry: TreeEntry) -> bool:
    if entry.mode == TreeEntry.MODE_SYMLINK:
        return False
    if PICKLED.fullmatch(entry.path):
        return True
    if not entry.path.endswith(SUFFIXES):
        return False
    return not entry.folder or MODULE_FOLDER.fullmatch(entry.folder) is not None


def _is_spare(file: SnapshotFile) -> bool:
    """A second set of weights beside model.safetensors, such as model.fp16.safetensors."""
    return file.is_weights and "/" not in file.path and not MAIN_WEIGHTS.fullmatch(file.path)


def _described(entry: TreeEntry) -> SnapshotFile:
    blob = entry.blob
    if blob is None:
        raise ValueError(f"{entry.path} has no bytes")  # files without a blob were left out above
    return SnapshotFile(path=entry.path, size=blob.size, sha256=blob.sha256)
