"""What language models are asked about the Python manual: the next sentence, the last word, the whole text.

Topics are divided by name into train and test; nothing of a test topic is ever an example or a training text.
"""

import functools
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.benchmarks import corpora
from evaluation.benchmarks.items import Items, Reader, Row
from evaluation.benchmarks.prompts import items_of
from evaluation.benchmarks.schema import Definition

REPO = "builtin:python-manual"
CHOICES = 4
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"])")
LAST_WORD = re.compile(r"(.{20,}\s)([A-Za-z]{3,})[.!?]$")
LONGEST_PART = 2000  # characters of running text


@dataclass(frozen=True)
class Place:
    """One sentence with what stands before it in its paragraph."""

    topic: str
    before: str
    sentence: str


def records(definition: Definition, split: str) -> list[Row]:
    """Rows of one split, train or test, as the request of the definition needs them."""
    make = {"loglikelihood": _next_sentences, "generate": _last_words, "rolling": _parts}[definition.request]
    return list(make(test=split == "test"))


@functools.cache
def places(*, test: bool) -> tuple[Place, ...]:
    """Sentences that follow another, in order; each sentence once."""
    found: dict[str, Place] = {}
    for topic, text in corpora.manual_topics(test=test):
        for block in corpora.BLANK_LINES.split(text):
            prose = " ".join(block.split())
            if not re.match(r"[A-Z].*\.$", prose) or "::=" in prose or ">>>" in prose:
                continue
            sentences = SENTENCE_END.split(prose)
            for number, sentence in enumerate(sentences[1:], start=1):
                if 25 <= len(sentence) <= 400:
                    place = Place(topic=topic, before=" ".join(sentences[:number]), sentence=sentence)
                    found.setdefault(sentence.casefold(), place)
    return tuple(found.values())


@functools.cache
def _next_sentences(*, test: bool) -> tuple[Row, ...]:
    """Which of four sentences of like length goes on; the wrong ones come from other paragraphs of the same split."""
    found = sorted(places(test=test), key=lambda place: (len(place.sentence), _shuffled(place.sentence)))
    return tuple(_choice(found, index) for index in sorted(range(len(found)), key=lambda at: _name(found[at])))


def _choice(found: Sequence[Place], index: int) -> Row:
    own = found[index]
    near = sorted(range(max(0, index - 20), min(len(found), index + 21)), key=lambda at: abs(at - index))
    others = [found[at] for at in near if found[at].before[:40] != own.before[:40]][: CHOICES - 1]
    choices = sorted(
        [own.sentence, *(other.sentence for other in others)], key=lambda text: _shuffled(own.before + text)
    )
    return {
        "id": _name(own),
        "topic": own.topic,
        "before": own.before,
        "choices": choices,
        "answer": choices.index(own.sentence),
    }


@functools.cache
def _last_words(*, test: bool) -> tuple[Row, ...]:
    """Sentences without their last word."""
    rows = []
    for place in places(test=test):
        if parts := LAST_WORD.match(place.sentence):
            text = f"{place.before} {parts[1].rstrip()}"
            rows.append({"id": _name(place), "topic": place.topic, "text": text, "word": parts[2]})
    return tuple(rows)


@functools.cache
def _parts(*, test: bool) -> tuple[Row, ...]:
    """Running text in parts of whole paragraphs."""
    rows: list[Row] = []
    for topic, text in corpora.manual_topics(test=test):
        part = ""
        for block in corpora.BLANK_LINES.split(text):
            if part and len(part) + len(block) > LONGEST_PART:
                rows.append({"id": f"{topic} {len(rows)}", "topic": topic, "text": part})
                part = ""
            part += ("\n\n" if part else "") + block
        rows.append({"id": f"{topic} {len(rows)}", "topic": topic, "text": part})
    return tuple(row for row in rows if row["text"].strip())


def _name(place: Place) -> str:
    return f"{place.topic}: {_shuffled(place.sentence)[:12]}"


def _shuffled(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(definition: Definition) -> Items:
    examples = definition.dataset.fewshot_split
    return items_of(
        definition,
        records(definition, definition.dataset.split),
        records(definition, examples) if examples else (),
    )


READERS: dict[tuple[str, str], Reader] = {
    (REPO, request): _read for request in ("loglikelihood", "generate", "rolling")
}
