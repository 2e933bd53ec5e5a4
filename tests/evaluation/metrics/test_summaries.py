"""ROUGE: equal to rouge-score, whose stemmer is NLTK's."""

import pytest
from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer

from evaluation.benchmarks import corpora
from evaluation.benchmarks.sources.python_code import docstrings
from evaluation.metrics.formulas.porter import stem
from evaluation.metrics.formulas.rouge import sentences
from evaluation.metrics.texts.measure import Output, Written
from evaluation.metrics.texts.summaries import MEASURES

TYPES = {"rouge1_f": "rouge1", "rouge2_f": "rouge2", "rougeL_f": "rougeL", "rougeLsum_f": "rougeLsum"}
CASES = [
    ("the cat sat on the mat", ["the cat was sitting on the mat"]),
    ("A first sentence. And a second one!", ["The second sentence.\nA first one."]),
    ("one two three", ["three two one", "one two"]),
    ("words words words", ["words"]),
    ("", ["something"]),
    ("Ничего", ["nothing here"]),
    ("skies dying news 1234 x-ray", ["sky die news 1,234 x ray"]),
]


def measured(name, text, references):
    written = Written(outputs=[(Output(text, 1, truncated=False),)], references=[references], rows=[{}])
    return MEASURES[name].counts(written)[0, 0]


def manual():
    """Real sentences against real sentences that have something to do with them."""
    return [(one.opening, [one.rest]) for one in corpora.manual_paragraphs()[:60]] + [
        (one.body[:300], [one.summary]) for one in docstrings(test=True)[:40]
    ]


def test_stems_equal_nltks():
    words = {word for text in corpora._topics().values() for word in text.lower().split() if word.isascii()}
    made = [
        f"{word}{ending}" for word in ("agr", "hopp", "conflat", "y", "sk", "ti", "rel", "ana") for ending in ENDINGS
    ]
    reference = PorterStemmer()

    different = {word: stem(word) for word in [*words, *made] if word.isalnum() and stem(word) != reference.stem(word)}

    assert not different
    assert len(words) > 5000


ENDINGS = [
    "eed", "ed", "ing", "ies", "ied", "y", "ational", "alli", "bli", "fulli", "logi", "icate", "ement", "ion", "tion",
    "sses", "ss", "ll", "e", "es", "izing", "ating", "ful", "ness", "iviti", "ousness",
]  # fmt: skip


@pytest.mark.parametrize("name", sorted(TYPES))
def test_rouge_equals_rouge_score(name):
    scorer = RougeScorer([TYPES[name]], use_stemmer=True)

    for text, references in CASES + manual():
        lines = [["\n".join(sentences(one)) for one in (text, right)] for right in references]
        expected = max(scorer.score(right, own)[TYPES[name]].fmeasure for own, right in lines)
        assert measured(name, text, references) == pytest.approx(expected, abs=1e-9), text


def test_newlines_divide_sentences_before_full_stops_do():
    together, apart = "a cat sat. a dog ran.", "a dog ran.\na cat sat."

    assert measured("rougeLsum_f", together, [apart]) == 1
    assert measured("rougeL_f", together, [apart]) < 1
