"""The items of a run: inputs for the node, under opaque names; labels stay on the trusted side.

Names and order come from the run's own seed, so every process can make the same files again: they are
a cache on whichever machine serves them, and are dropped when the run leaves the node.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import Final

from django.conf import settings

from evaluation.benchmarks.readers import MEDIA, DataUnavailable, InputFiles, materialise
from evaluation.models import Run
from evaluation.queries import datasets
from evaluation.queries.benchmarks import definition_of

NAMES: Final = ("inputs.jsonl", MEDIA)


def prepare(run: Run) -> InputFiles:
    """Write the inputs of this run. Raises `DataUnavailable`."""
    folder = _folder(run.pk)
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"draft-{secrets.token_hex(6)}"
    try:
        made = materialise(
            definition_of(run.benchmark), run_seed=str(run.item_seed), directory=draft, files=datasets.files_of_run(run)
        )
    except DataUnavailable:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    for file in made.files:  # whole files under their names, whoever else does the same at this moment
        (draft / file.path).replace(folder / file.path)
    draft.rmdir()
    return made


def path_of(run: Run, name: str) -> Path | None:
    """The file to send, made again where it is missing; None when this run has no such input."""
    path = _folder(run.pk) / name
    if name not in NAMES:
        return None
    if not path.is_file():
        prepare(run)
    return path if path.is_file() else None


def forget(run_id: int) -> None:
    """Drop the cached files; harmless when they are gone."""
    shutil.rmtree(_folder(run_id), ignore_errors=True)


def sweep() -> int:
    """Drop the files of runs that no node holds. Returns how many runs had some."""
    root = _root()
    held = {str(pk) for pk in Run.objects.filter(state__in=Run.LEASED).values_list("pk", flat=True)}
    left = [path for path in root.iterdir() if path.name not in held] if root.is_dir() else []
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def _root() -> Path:
    return Path(settings.DATA_DIR) / "inputs"


def _folder(run_id: int) -> Path:
    return _root() / str(run_id)
