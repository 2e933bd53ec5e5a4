"""What a run answered, joined with the items under their own names: opaque ones are only for the node."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from django.utils.translation import gettext as _

from catalog.stores import blob_store
from evaluation.benchmarks.items import Items
from evaluation.benchmarks.perturbing import APART, copy_ids
from evaluation.benchmarks.readers import digest_of, opaque_names, read
from evaluation.benchmarks.schema import Definition
from evaluation.errors import BadOutput
from evaluation.metrics.answers import taken
from evaluation.metrics.predictions import Predictions, read_predictions
from evaluation.models import Run
from evaluation.queries import datasets

COPIED_AT_ONCE = 1024 * 1024  # bytes
UNKNOWN = "\0"  # begins no id of ours: a node cannot answer under a name it was not told


def fetch_outputs(run: Run, folder: Path) -> None:
    """Copy the files of a run into a folder."""
    for output in run.outputs.select_related("blob"):
        with blob_store().open(output.blob.sha256) as source, (folder / output.name).open("wb") as copy:
            shutil.copyfileobj(source, copy, COPIED_AT_ONCE)


def items_of(run: Run, definition: Definition) -> Items:
    """The items this run was asked about, in the order of the data.

    Raises:
        DataUnavailable: the data is not here.
        BadOutput: it is not what the node was given.
    """
    items = read(definition, datasets.files_of_run(run))
    if run.inputs_digest and digest_of(items) != run.inputs_digest:
        raise BadOutput(_("The items of this benchmark changed between the run and its scoring; run it again."))
    return items


def read_answers(run: Run, definition: Definition, items: Items, folder: Path) -> Predictions:
    """The answers in `folder`, under the items' own ids and without perturbed copies. Raises `BadOutput`."""
    return read_with_copies(run, definition, items, folder)[0]


def read_with_copies(
    run: Run, definition: Definition, items: Items, folder: Path
) -> tuple[Predictions, dict[str, Predictions]]:
    """The answers to the items, and those to their copies by perturbation; both under the items' own ids."""
    names = opaque_names(items, str(run.item_seed), also=copy_ids(definition, items))
    own = {opaque: key for key, opaque in names.items()}
    found = read_predictions(definition, folder)
    places: dict[str, list[int]] = {"": [], **{use.name: [] for use in definition.perturbations}}
    ids = []
    for at, opaque in enumerate(found.ids):
        key, _apart, name = own[opaque].partition(APART) if opaque in own else (UNKNOWN + opaque, "", "")
        places[name].append(at)
        ids.append(key)
    named = dataclasses.replace(found, ids=tuple(ids))
    return taken(named, places.pop("")), {name: taken(named, chosen) for name, chosen in places.items()}
