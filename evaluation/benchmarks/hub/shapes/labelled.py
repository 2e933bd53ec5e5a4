"""One label for each text, pair of texts, image or recording."""

from evaluation.benchmarks.hub.source import Source
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
        gold.append({"id": entry.key, "label": entry.label(), "chars": len(text), **entry.extras()})
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
        gold.append({"id": entry.key, "label": entry.label(), **entry.extras()})
    return Items(inputs=inputs, gold=gold, media=source.media(field))
