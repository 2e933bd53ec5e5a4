"""Texts with their counterparts: sentences and translations, questions and answers."""

from evaluation.benchmarks.hub.shapes.searched import searches
from evaluation.benchmarks.hub.source import Source
from evaluation.benchmarks.items import Items, Row


def texts(source: Source) -> Items:
    """Texts to be embedded: a collection that is searched where the fields name one, else pairs."""
    return searches(source) if source.has("documents") else pairs(source)


def pairs(source: Source) -> Items:
    """Fields: text, pair. Each text searches all counterparts; only its own is right."""
    inputs: list[Row] = []
    gold: list[Row] = []
    count = 0
    for entry in source.entries():
        count += 1
        query, document = f"{entry.key}-query", f"{entry.key}-document"
        inputs.append({"id": query, "text": entry.text("text", "text"), "role": "query"})
        inputs.append({"id": document, "text": entry.text("pair", "pair"), "role": "document"})
        gold.append({"id": query, "targets": {"": [document]}, **entry.extras()})
        gold.append({"id": document, "pools": [""]})
    return Items(inputs=inputs, gold=gold, rows=count)
