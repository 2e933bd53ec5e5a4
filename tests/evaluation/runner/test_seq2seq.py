"""Summaries and translations: equal to one text at a time, greedy whatever the model wishes, cut texts counted."""

import json
import shutil

import pytest
import torch
import transformers

from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score
from tests.evaluation.runner import text_families as families
from tests.evaluation.runner.conftest import DEFINITIONS
from tests.evaluation.runner.test_requests import rows_of, some_inputs

PAIRS = [
    ("good morning", "guten Morgen"),
    ("thank you very much", "vielen Dank"),
    ("see you", "bis bald"),
    ("the house is small", "das Haus ist klein"),
    ("a red apple", "ein roter Apfel"),
    ("where is the station", "wo ist der Bahnhof"),
    ("i do not know", "ich weiß nicht"),
    ("two beers please", "zwei Bier bitte"),
]


@pytest.fixture(scope="session")
def summariser(tmp_path_factory):
    return families.save_t5(tmp_path_factory.mktemp("t5"))


@pytest.fixture(scope="session")
def translator(tmp_path_factory):
    return families.save_marian(tmp_path_factory.mktemp("marian"), PAIRS)


def options(**changes):
    return {"options": {"generation": {"max_new_tokens": 20, "stop": [], "beams": 1} | changes}}


def written(bench):
    return [row["outputs"][0] for row in rows_of(bench.output / "predictions.jsonl")]


@pytest.mark.parametrize("beams", [1, 3])
def test_summaries_are_those_of_one_text_at_a_time(beams, bench, summariser, inputs_of, tmp_path):
    path, rows = some_inputs(inputs_of("docstrings"), tmp_path, 6)

    code, events = bench.run("docstrings", summariser, path, **options(beams=beams))

    assert code == 0, events
    tokenizer = transformers.AutoTokenizer.from_pretrained(summariser)
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(summariser).eval()
    for row, found in zip(rows, written(bench), strict=True):
        given = tokenizer(row["text"], truncation=True, max_length=64, return_tensors="pt")
        with torch.inference_mode():
            ids = model.generate(**given, max_new_tokens=20, num_beams=beams, do_sample=False)[0]
        assert found["text"] == tokenizer.decode(ids, skip_special_tokens=True).strip()
        assert found["truncated"] == (1 not in ids[1:].tolist())
    settings = json.loads((bench.output / "measurements.json").read_text())["settings"]
    long = sum(len(tokenizer(row["text"])["input_ids"]) > 64 for row in rows)
    assert settings["inputs_cut"] == long > 0
    assert settings["beams"] == beams


def test_a_translator_with_planted_errors_scores_what_was_planted(bench, translator, tmp_path):
    rows = [{"id": f"{number}", "text": source} for number, (source, _) in enumerate(PAIRS)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    code, events = bench.run("translation-en-de", translator, tmp_path / "in.jsonl", **options())

    assert code == 0, events
    outputs = written(bench)
    assert [output["text"] for output in outputs] == [target for _, target in PAIRS]
    assert not any(output["truncated"] for output in outputs)
    # The model asks for four beams and a forced end in its own configuration; the definition decides.
    definition = DEFINITIONS["translation-en-de"]
    gold = [
        {"id": f"{number}", "references": [target if number > 1 else "etwas ganz anderes"], "language": "de"}
        for number, (_, target) in enumerate(PAIRS)
    ]
    values = {v.metric: v for v in score(definition, gold, read_predictions(definition, bench.output))}
    from sacrebleu.metrics.chrf import CHRF

    expected = CHRF(word_order=2).corpus_score([t for _, t in PAIRS], [[row["references"][0] for row in gold]])
    assert values["chrf_pp"].value == pytest.approx(expected.score, abs=1e-9)
    assert values["truncated_share"].value == 0


def test_what_the_limit_ends_is_counted_even_where_the_model_forces_an_end(bench, translator, tmp_path):
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": "a", "text": PAIRS[3][0]}) + "\n")

    bench.run("translation-en-de", translator, tmp_path / "in.jsonl", **options(max_new_tokens=3))

    assert written(bench)[0]["truncated"]
    assert written(bench)[0]["tokens"] == 3


def test_a_model_writes_no_further_than_it_has_places(bench, translator, tmp_path):
    endless = tmp_path / "endless"
    shutil.copytree(translator, endless)
    model = transformers.MarianMTModel.from_pretrained(endless)
    with torch.no_grad():
        model.final_logits_bias[0, model.config.eos_token_id] = -1e4
    model.save_pretrained(endless)
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": "a", "text": PAIRS[3][0]}) + "\n")

    code, events = bench.run("translation-en-de", endless, tmp_path / "in.jsonl", **options(max_new_tokens=500))

    assert code == 0, events
    assert written(bench)[0]["tokens"] == 63
    assert written(bench)[0]["truncated"]


def test_a_stop_string_ends_a_text(bench, translator, tmp_path):
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": "a", "text": PAIRS[3][0]}) + "\n")

    bench.run("translation-en-de", translator, tmp_path / "in.jsonl", **options(stop=[" ist"]))

    assert written(bench)[0]["text"] == "das Haus"
    assert not written(bench)[0]["truncated"]


def test_sampling_is_refused(bench, translator, tmp_path):
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": "a", "text": "x"}) + "\n")

    code, events = bench.run("translation-en-de", translator, tmp_path / "in.jsonl", **options(do_sample=True))

    assert (code, events[-1]["reason"]) == (10, "unsupported")
    assert "without sampling" in events[-1]["message"]
