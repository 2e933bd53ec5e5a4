"""What a run answered, joined with the items under their own names: opaque ones are only for the node."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from django.utils.translation import gettext as _

from catalog.stores import blob_store
from evaluation.benchmarks.items import Items
from evaluation.benchmarks.readers import digest_of, opaque_names, read
from evaluation.benchmarks.schema import Definition
from evaluation.errors import BadOutput
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
    """The answers in `folder`, under the items' own ids. Raises `BadOutput`."""
    own = {opaque: key for key, opaque in opaque_names(items, str(run.item_seed)).items()}
    found = read_predictions(definition, folder)
    return dataclasses.replace(found, ids=tuple(own.get(key, UNKNOWN + key) for key in found.ids))
