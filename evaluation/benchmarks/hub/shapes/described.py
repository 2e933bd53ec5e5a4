"""Images and recordings with texts: transcripts, captions, questions about them."""

from evaluation.benchmarks.hub.source import Source
from evaluation.benchmarks.items import Items, Row


def transcripts(source: Source) -> Items:
    """Fields: audio, target (what is said)."""
    inputs: list[Row] = []
    gold: list[Row] = []
    for entry in source.entries(without=("audio",)):
        inputs.append({"id": entry.key, "audio": entry.located()})
        gold.append({"id": entry.key, "reference": entry.text("target", "text"), **entry.extras()})
    return Items(inputs=inputs, gold=gold, media=source.media("audio"))


def captions(source: Source) -> Items:
    """Fields: image, target (one caption or several)."""
    inputs: list[Row] = []
    gold: list[Row] = []
    for entry in source.entries(without=("image",)):
        inputs.append({"id": entry.key, "image": entry.located()})
        gold.append({"id": entry.key, "references": entry.texts("target", "captions"), **entry.extras()})
    return Items(inputs=inputs, gold=gold, media=source.media("image"))


def questions(source: Source) -> Items:
    """Fields: image, text (the question), target (the answers that people gave)."""
    inputs: list[Row] = []
    gold: list[Row] = []
    for entry in source.entries(without=("image",)):
        inputs.append({"id": entry.key, "image": entry.located(), "text": entry.text("text", "question")})
        gold.append({"id": entry.key, "answers": entry.texts("target", "answers"), **entry.extras()})
    return Items(inputs=inputs, gold=gold, media=source.media("image"))
