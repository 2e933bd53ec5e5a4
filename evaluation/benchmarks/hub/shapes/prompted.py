"""What language models are asked: choices, texts to go on with, texts to read. `benchmarks.prompts` makes the items."""

from dataclasses import replace

from evaluation.benchmarks.hub.source import Source
from evaluation.benchmarks.items import Items
from evaluation.benchmarks.paths import value_at
from evaluation.benchmarks.prompts import items_of


def prompts(source: Source) -> Items:
    """Fields and templates as `benchmarks.prompts` reads them; examples come from `dataset.fewshot_split`."""
    asked, examples = source.definition.dataset.split, source.definition.dataset.fewshot_split
    rows = [entry.place.row for entry in source.entries()]
    if examples == asked:
        shots = rows
    else:
        shots = [entry.place.row for entry in source.entries(split=examples)] if examples else []
    return items_of(source.definition, rows, shots)


def texts(source: Source) -> Items:
    """The same for running text: rows without any are left out, as datasets keep empty lines."""
    rows = [entry.place.row for entry in source.entries()]
    path = source.path_of("text", "text") or "text"
    # What lacks the field is kept, so that its absence is said.
    found = items_of(source.definition, [row for row in rows if str(value_at(row, path)).strip()])
    return replace(found, rows=len(rows))
