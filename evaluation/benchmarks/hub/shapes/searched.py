"""Queries that search a collection of documents: three tables, as BEIR and MTEB publish them."""

import math
from collections.abc import Iterator

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.hub.source import Entry, Source
from evaluation.benchmarks.items import Items, Row


def searches(source: Source) -> Items:
    """The split holds judgements: which document (field document) answers which query (query), and how well (grade).

    Fields documents and queries name the other two tables as `config/split`; both have a key (`_id`) and a text, and a
    document has a title before its text where the field title names one. Every document is searched; queries that
    nobody judged in this split are left out. A grade of 0 or less means that the document is no answer.
    """
    judged, rows = _judgements(source)
    inputs: list[Row] = []
    gold: list[Row] = []
    documents: set[str] = set()
    for key, entry in _table(source, "documents"):
        documents.add(key)
        inputs.append({"id": f"document-{key}", "text": _document_text(entry), "role": "document"})
        gold.append({"id": f"document-{key}", "pools": [""]})
    for key, entry in _table(source, "queries"):
        if (grades := judged.pop(key, None)) is None:
            continue
        if unknown := sorted(set(grades) - documents):
            raise DataUnavailable(
                f"{source.files.name}: the query {key!r} names the document {unknown[0]!r}, which is not there."
            )
        inputs.append({"id": f"query-{key}", "text": entry.text("text", "text"), "role": "query"})
        found = {f"document-{name}": grade for name, grade in grades.items() if grade > 0}
        gold.append({"id": f"query-{key}", "grades": {"": found}, **entry.extras()})
    if judged:
        raise DataUnavailable(f"{source.files.name} judges the query {min(judged)!r}, which is not among its queries.")
    return Items(inputs=inputs, gold=gold, rows=rows)


def _judgements(source: Source) -> tuple[dict[str, dict[str, float]], int]:
    """Query → document → grade, and how many rows say so."""
    judged: dict[str, dict[str, float]] = {}
    rows = 0
    for entry in source.entries():
        rows += 1
        grade = entry.value("grade", "score")
        if isinstance(grade, bool) or not isinstance(grade, int | float) or not math.isfinite(grade):
            raise DataUnavailable(f"{source.files.name}, {entry.place.where}: the grade is {grade!r}, not a number.")
        query, document = str(entry.value("query", "query-id")), str(entry.value("document", "corpus-id"))
        judged.setdefault(query, {})[document] = float(grade)
    return judged, rows


def _table(source: Source, field: str) -> Iterator[tuple[str, Entry]]:
    config, _, split = (source.path_of(field, field) or field).partition("/")
    seen: set[str] = set()
    for entry in source.entries(config=config, split=split or config):
        key = str(entry.value("key", "_id"))
        if key in seen:
            raise DataUnavailable(f"{source.files.name}, {entry.place.where}: the key {key!r} comes a second time.")
        seen.add(key)
        yield key, entry


def _document_text(entry: Entry) -> str:
    text = entry.text("text", "text")
    return f"{entry.text('title')} {text}".strip() if entry.source.has("title") else text
