"""Paragraphs of the Python manual."""

import re

from evaluation.benchmarks import corpora
from evaluation.benchmarks.corpora import Paragraph, in_test_split
from evaluation.benchmarks.items import Items, Reader, Row
from evaluation.benchmarks.schema import Definition

REPO = "builtin:python-manual"
TERM = re.compile(r'"([A-Za-z_][\w.]{2,40}(?:\(\))?)"')  # the manual puts code into double quotes
GAP = "___"


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


def gaps() -> list[tuple[Paragraph, str, str]]:
    """(paragraph, one of its sentences with a gap, the term that belongs there), where the term stands once."""
    found = []
    for paragraph in corpora.manual_paragraphs():
        text = _text(paragraph)
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])", text):
            term = TERM.search(sentence)
            if term and sentence.count(f'"{term[1]}"') == 1 and len(sentence) <= 300:
                found.append((paragraph, sentence.replace(f'"{term[1]}"', GAP), term[1]))
                break
    return found


def _read_gaps(definition: Definition) -> Items:
    """Every third question is asked about a paragraph that does not have its answer."""
    found = gaps()
    inputs: list[Row] = []
    gold: list[Row] = []
    for number, (paragraph, question, term) in enumerate(found):
        context, answers = _text(paragraph), [term]
        if number % 3 == 2:
            context, answers = (
                next(
                    text
                    for other, _, _ in found[number + 1 :] + found[:number]
                    if other.topic != paragraph.topic and term not in (text := _text(other))
                ),
                list[str](),
            )
        fields = {"answerable": "yes" if answers else "no"}
        inputs.append({"id": f"{number}", "text": context, "pair": f"What belongs into the gap? {question}"})
        gold.append({"id": f"{number}", "answers": answers, "fields": fields, "cluster": paragraph.topic})
    return Items(inputs=inputs, gold=gold)


def _read_openings(definition: Definition) -> Items:
    """First sentences of paragraphs, one half of them."""
    test = definition.dataset.split == "test"
    found = [one for one in corpora.manual_paragraphs() if in_test_split("manual-masks", one.opening) == test]
    return Items(
        inputs=[{"id": f"{number}", "text": one.opening} for number, one in enumerate(found)],
        gold=[
            {"id": f"{number}", "bytes": len(one.opening.encode()), "cluster": one.topic}
            for number, one in enumerate(found)
        ],
    )


def openings_train() -> list[str]:
    """Sentences that the benchmark `manual-masks` never asks about."""
    return [one.opening for one in corpora.manual_paragraphs() if not in_test_split("manual-masks", one.opening)]


def _text(paragraph: Paragraph) -> str:
    return f"{paragraph.opening} {paragraph.rest}"


READERS: dict[tuple[str, str], Reader] = {
    (REPO, "embed"): _read_manual,
    (REPO, "span"): _read_gaps,
    (REPO, "mask"): _read_openings,
}
