"""chrF++ and BLEU: equal to sacrebleu over the corpus, with its signature in the score."""

import dataclasses
import json

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from evaluation.benchmarks.definitions import builtin_definitions
from evaluation.benchmarks.schema import MetricUse
from evaluation.benchmarks.sources.django_catalogues import translation_pairs
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score

GERMAN = next(definition for definition in builtin_definitions() if definition.id == "translation-en-de")


def scored(folder, texts, references, language):
    gold = [{"id": str(number), "references": right, "language": language} for number, right in enumerate(references)]
    lines = [
        json.dumps({"id": str(number), "outputs": [{"text": text, "tokens": 1, "truncated": False}]})
        for number, text in enumerate(texts)
    ]
    (folder / "predictions.jsonl").write_text("\n".join(lines))
    quick = dataclasses.replace(
        GERMAN,
        metrics=(MetricUse(name="chrf_pp", primary=True), MetricUse(name="bleu")),
        uncertainty=dataclasses.replace(GERMAN.uncertainty, resamples=100),
    )
    return {value.metric: value for value in score(quick, gold, read_predictions(quick, folder))}


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(("language", "tokeniser"), [("de", "13a"), ("zh", "zh"), ("ja", "char"), ("ko", "char")])
def test_translations_score_as_with_sacrebleu(language, tokeniser, named, tmp_path):
    right = [target for _, _, target in translation_pairs("en", language, test=True)]
    # Every other one is right; the rest lack their beginning.
    texts = [text if number % 2 else text[len(text) // 3 :] for number, text in enumerate(right)]

    found = scored(tmp_path, texts, [[text] for text in right], language if named else "")

    for name, metric in {"chrf_pp": CHRF(word_order=2), "bleu": BLEU(tokenize=tokeniser)}.items():
        assert found[name].value == pytest.approx(metric.corpus_score(texts, [right]).score, abs=1e-9)
        assert found[name].signature == str(metric.get_signature())
        assert found[name].low < found[name].value < found[name].high
    assert "version:" in found["bleu"].signature
    assert f"tok:{tokeniser}" in found["bleu"].signature


def test_items_may_have_different_numbers_of_references(tmp_path):
    references = [["Das ist ein kleines Haus.", "Dies ist ein kleines Haus."], ["Guten Tag, meine Damen und Herren."]]
    texts = ["Dies ist ein kleines Haus.", "Guten Tag, meine Herren und Damen."]

    found = scored(tmp_path, texts, references, "de")

    streams = [[one[0] for one in references], [references[0][1], None]]
    assert found["bleu"].value == pytest.approx(BLEU().corpus_score(texts, streams).score, abs=1e-9)
    assert found["chrf_pp"].value == pytest.approx(CHRF(word_order=2).corpus_score(texts, streams).score, abs=1e-9)
    assert "nrefs:var" in found["bleu"].signature


def test_a_perfect_and_a_silent_translator(tmp_path):
    right = ["Guten Morgen, liebe Leute.", "Auf Wiedersehen, bis morgen früh."]

    assert scored(tmp_path, right, [[text] for text in right], "de")["chrf_pp"].value == pytest.approx(100)
    assert scored(tmp_path, ["", ""], [[text] for text in right], "de")["chrf_pp"].value == 0
