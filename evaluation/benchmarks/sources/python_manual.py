"""Paragraphs of the Python manual."""

from evaluation.benchmarks import corpora
from evaluation.benchmarks.items import Items, Reader, Row
from evaluation.benchmarks.schema import Definition

REPO = "builtin:python-manual"


def _read_manual(definition: Definition) -> Items:
    inputs: list[Row] = []
    gold: list[Row] = []
    for number, paragraph in enumerate(corpora.manual_paragraphs()):
        query, document = f"{number}-query", f"{number}-document"
        inputs.append({"id": query, "text": paragraph.opening, "role": "query"})
        inputs.append({"id": document, "text": paragraph.rest, "role": "document"})
        gold.append({"id": query, "targets": {"": [document]}, "cluster": paragraph.topic})
        gold.append({"id": document, "pools": [""]})
    return Items(inputs=inputs, gold=gold)


READERS: dict[tuple[str, str], Reader] = {(REPO, "embed"): _read_manual}
