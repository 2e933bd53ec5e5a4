"""Data at hand laid out as datasets are, for harnesses that make items of their own: configs of splits of rows."""

import hashlib
from collections.abc import Callable, Iterator

from evaluation.benchmarks import corpora
from evaluation.benchmarks.items import Row
from evaluation.benchmarks.sources import django_catalogues, manual_language, python_manual

Tables = dict[str, dict[str, list[Row]]]  # config → split → rows
LANGUAGES = ("de", "en", "es", "fr", "pl")


def _retrieval() -> Tables:
    """Opening sentences of paragraphs, and what goes on from them; as MTEB lays out retrieval."""
    found = corpora.manual_paragraphs()
    return {
        "corpus": {"corpus": [{"_id": f"d{number}", "text": one.rest} for number, one in enumerate(found)]},
        "queries": {"queries": [{"_id": f"q{number}", "text": one.opening} for number, one in enumerate(found)]},
        "default": {
            "test": [{"query-id": f"q{number}", "corpus-id": f"d{number}", "score": 1} for number in range(len(found))]
        },
    }


def _relatedness() -> Tables:
    """Pairs of sentences, and how near they stand: side by side, in one paragraph, in one topic, in two topics."""
    found = manual_language.places(test=True)
    rows = [pair for number in range(len(found)) for pair in _pairs(found, number)]
    return {"default": {"test": rows}}


def _pairs(found: tuple[manual_language.Place, ...], number: int) -> Iterator[Row]:
    own = found[number]
    before = manual_language.SENTENCE_END.split(own.before)
    apart = sorted(found, key=lambda other: hashlib.sha256(f"{number} {other.sentence}".encode()).digest())
    if number % 2:
        yield _pair(own.sentence, before[-1], 3)
    elif len(before) > 1:
        yield _pair(own.sentence, before[0], 2)
    near = [other for other in apart if other.topic == own.topic and other.before[:40] != own.before[:40]]
    if number % 3 == 0 and near:
        yield _pair(own.sentence, near[0].sentence, 1)
    if number % 3 == 1:
        yield _pair(own.sentence, next(other.sentence for other in apart if other.topic != own.topic), 0)


def _pair(one: str, other: str, score: int) -> Row:
    return {"sentence1": one, "sentence2": other, "score": float(score)}


def _languages() -> Tables:
    """Sentences with the number of their language; messages divide them into train and test."""
    return {
        "default": {
            split: [
                {"text": sentence.text, "label": LANGUAGES.index(sentence.language)}
                for sentence in corpora.labelled_sentences(LANGUAGES, test=split == "test")
            ]
            for split in ("train", "test")
        }
    }


TABLES: dict[tuple[str, str], Callable[[], Tables]] = {
    (python_manual.REPO, "retrieval"): _retrieval,
    (python_manual.REPO, "relatedness"): _relatedness,
    (django_catalogues.REPO, "languages"): _languages,
}
"""By dataset and config of a definition."""
