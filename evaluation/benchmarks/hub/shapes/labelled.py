"""One label for each text, pair of texts, image or recording; several or none where the definition says so."""

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.hub.source import Entry, Source
from evaluation.benchmarks.items import Items, Row


def texts(source: Source) -> Items:
    """Fields: text, pair (optional), target."""
    inputs: list[Row] = []
    gold: list[Row] = []
    for entry in source.entries():
        text = entry.text("text", "text")
        row: Row = {"id": entry.key, "text": text}
        if source.has("pair"):
            row["pair"] = entry.text("pair")
        inputs.append(row)
        gold.append({"id": entry.key, **_answer(source, entry), "chars": len(text), **entry.extras()})
    return Items(inputs=inputs, gold=gold)


def images(source: Source) -> Items:
    """Fields: image, target."""
    return _media(source, "image")


def recordings(source: Source) -> Items:
    """Fields: audio, target."""
    return _media(source, "audio")


def _media(source: Source, field: str) -> Items:
    inputs: list[Row] = []
    gold: list[Row] = []
    for entry in source.entries(without=(field,)):
        inputs.append({"id": entry.key, field: entry.located()})
        gold.append({"id": entry.key, **_answer(source, entry), **entry.extras()})
    return Items(inputs=inputs, gold=gold, media=source.media(field))


def _answer(source: Source, entry: Entry) -> Row:
    """What gold says: one label, or the list of them."""
    if not source.definition.multi_label:
        return {"label": entry.label()}
    found = entry.value("target", "label")
    if not isinstance(found, list):
        raise DataUnavailable(f"{entry.place.where}: the target is no list of labels, as `multi_label` asks for.")
    return {"labels": [entry.label_of(one) for one in found]}
