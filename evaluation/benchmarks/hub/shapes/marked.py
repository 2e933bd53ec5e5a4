"""Words with a label each, questions with their answers in a text, texts with hidden words."""

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.hub.source import Source
from evaluation.benchmarks.items import Items, Row


def words(source: Source) -> Items:
    """Fields: words, target (one label per word, by name or number)."""
    inputs: list[Row] = []
    gold: list[Row] = []
    for entry in source.entries():
        found, marks = entry.texts("words", "tokens"), entry.value("target", "ner_tags")
        if not isinstance(marks, list) or len(marks) != len(found) or not found:
            count = len(marks) if isinstance(marks, list) else "no"
            raise DataUnavailable(f"{entry.place.where}: {len(found)} words have {count} labels.")
        inputs.append({"id": entry.key, "words": found})
        labels = [entry.label_of(mark) for mark in marks]
        gold.append({"id": entry.key, "labels": labels, **entry.extras()})
    return Items(inputs=inputs, gold=gold)


def spans(source: Source) -> Items:
    """Fields: text (the context), pair (the question), target (the answers; none means that there is none)."""
    inputs: list[Row] = []
    gold: list[Row] = []
    for entry in source.entries():
        inputs.append({"id": entry.key, "text": entry.text("text", "context"), "pair": entry.text("pair", "question")})
        answers = entry.texts("target", "answers.text")
        gold.append({"id": entry.key, "answers": answers, **entry.extras(answerable="yes" if answers else "no")})
    return Items(inputs=inputs, gold=gold)


def gaps(source: Source) -> Items:
    """Fields: text, which is its own answer. Empty rows are left out."""
    inputs: list[Row] = []
    gold: list[Row] = []
    count = 0
    for entry in source.entries():
        text = entry.text("text", "text")
        count += 1
        if text.strip():
            inputs.append({"id": entry.key, "text": text})
            gold.append({"id": entry.key, "bytes": len(text.encode()), "chars": len(text), **entry.extras()})
    return Items(inputs=inputs, gold=gold, rows=count)
