"""What single answers of a run rest on: the node's numbers, joined with our items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from catalog.stores import blob_store
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.items import Items
from evaluation.benchmarks.readers import explained_ids, opaque_names
from evaluation.benchmarks.schema import Definition
from evaluation.errors import BadOutput, NotComparable
from evaluation.metrics.attributions import FILE, LARGEST_FILE, Explained, Texts, read_attributions
from evaluation.models import Run
from evaluation.queries import answers
from evaluation.queries.benchmarks import definition_of


@dataclass(frozen=True)
class Answer:
    """One answer taken apart, beside what is right."""

    number: int  # among those of the run, from 1: the same item for every model
    id: str  # the item's own
    truth: str  # "" where an item may have several labels
    explained: Explained
    texts: Texts | None  # None for images


def attributions_of(run: Run) -> list[Answer]:
    """All answers of a run that were taken apart; none where the definition asks for none.

    Raises:
        NotComparable: there is nothing to show yet, or the data is not here any more.
        BadOutput: what the node sent is not to be used.
    """
    if run.state != Run.State.SUCCEEDED:
        raise NotComparable(_("run %(run_id)s has no scores: it is %(state)s") % {"run_id": run.pk, "state": run.state})
    definition = definition_of(run.benchmark)
    if definition.interpret is None:
        return []
    try:
        items = answers.items_of(run, definition)
    except DataUnavailable as problem:
        raise NotComparable(str(problem)) from problem
    found, texts = explained_in(run, definition, items), _texts(run, definition, items)
    ids = explained_ids(definition, items)
    right = _truths(items, ids)
    return [
        Answer(number, key, right.get(key, ""), one, texts[one.id])
        for number, (key, one) in enumerate(zip(ids, found, strict=True), start=1)
    ]


def explained_in(run: Run, definition: Definition, items: Items) -> list[Explained]:
    """What the node sent of each item that was asked for, in the order in which they were drawn. Raises `BadOutput`."""
    output = run.outputs.select_related("blob").filter(name=FILE).first()
    if output is None:
        raise BadOutput(_("The node ended before it had taken any answer apart."))
    if output.blob.size > LARGEST_FILE:
        raise BadOutput(_("The attributions that the node sent are too large."))
    content = blob_store().read_range(output.blob.sha256, 0, output.blob.size)
    return read_attributions(content, labels=definition.label_names, texts=_texts(run, definition, items))


def _texts(run: Run, definition: Definition, items: Items) -> dict[str, Texts | None]:
    ids = explained_ids(definition, items)
    names, wanted = opaque_names(items, str(run.item_seed)), set(ids)
    rows = {str(row["id"]): row for row in items.inputs if str(row["id"]) in wanted}
    if definition.request == "classify":
        return {names[key]: (str(rows[key]["text"]), str(rows[key].get("pair") or "")) for key in ids}
    return dict.fromkeys(names[key] for key in ids)


def _truths(items: Items, ids: Sequence[str]) -> dict[str, str]:
    wanted = set(ids)
    return {str(row["id"]): str(row.get("label", "")) for row in items.gold if str(row["id"]) in wanted}
