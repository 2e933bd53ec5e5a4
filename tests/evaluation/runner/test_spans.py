"""Answers out of contexts: the best span over all windows, or none; equal to counting all spans by hand."""

import json

import pytest
import torch
import transformers

from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score
from tests.evaluation.runner import text_families as families
from tests.evaluation.runner.conftest import DEFINITIONS
from tests.evaluation.runner.test_requests import rows_of, some_inputs

GAPS = DEFINITIONS["manual-gaps"]


def rules(**changes):
    return {"preprocess": {"max_length": 64, "stride": 16, "max_answer_tokens": 8, "unanswerable": True} | changes}


@pytest.fixture(scope="session", params=sorted(families.FAMILIES))
def reader(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"reader-{request.param}")
    return families.save(folder, request.param, transformers.AutoModelForQuestionAnswering)


def by_hand(folder, question, context, *, longest, none_allowed, stride=16):
    """Every start with every end in every window, by plain transformers."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    left = tokenizer.padding_side == "left"
    pair, cut, side = ((context, question), "only_first", 0) if left else ((question, context), "only_second", 1)
    found = tokenizer(
        *pair, truncation=cut, max_length=64, stride=stride, return_overflowing_tokens=True, return_offsets_mapping=True
    )
    best, null = (float("-inf"), ""), float("inf")
    for encoding in found.encodings:
        given = {"input_ids": torch.tensor([encoding.ids])}
        if model.config.model_type in {"bert", "xlnet"}:
            given["token_type_ids"] = torch.tensor([encoding.type_ids])
        with torch.inference_mode():
            said = model(**given)
        starts, ends = said.start_logits[0].tolist(), said.end_logits[0].tolist()
        whole = encoding.ids.index(tokenizer.cls_token_id)
        null = min(null, starts[whole] + ends[whole])
        for start, part in enumerate(encoding.sequence_ids):
            for end in range(start, min(start + longest, len(starts))):
                if part == side and encoding.sequence_ids[end] == side and starts[start] + ends[end] > best[0]:
                    text = context[encoding.offsets[start][0] : encoding.offsets[end][1]]
                    best = (starts[start] + ends[end], text)
    return "" if none_allowed and null > best[0] else best[1]


@pytest.mark.parametrize("none_allowed", [True, False])
def test_every_family_answers_as_all_spans_counted_by_hand(none_allowed, bench, reader, inputs_of, tmp_path):
    path, rows = some_inputs(inputs_of("manual-gaps"), tmp_path, 5)

    code, events = bench.run("manual-gaps", reader, path, **rules(unanswerable=none_allowed))

    assert code == 0, events
    found = [row["answer"] for row in rows_of(bench.output / "predictions.jsonl")]
    settings = json.loads((bench.output / "measurements.json").read_text())["settings"]
    assert settings["inputs_in_windows"] > 2
    for row, answer in zip(rows, found, strict=True):
        question = kept(reader, row["pair"])
        assert answer == by_hand(reader, question, row["text"], longest=8, none_allowed=none_allowed)
    assert len(set(found)) > 2


def kept(folder, question):
    """What the rule leaves of a long question: room for a stride and 16 tokens of context."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    room = 64 - tokenizer.num_special_tokens_to_add(pair=True) - 16 - 16
    offsets = tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return question[: offsets[room - 1][1]] if len(offsets) > room else question


def test_planted_answers_and_planted_errors(bench, tmp_path):
    """A model that marks `gold` words; three contexts have it elsewhere, four have none."""
    words = ["question", "filler", "gold", "decoy", *(f"name{number}" for number in range(8))]
    model, vocabulary = families.save_lookup(tmp_path / "m", words, transformers.AutoModelForQuestionAnswering)
    with torch.no_grad():
        model.qa_outputs.weight.zero_()
        model.qa_outputs.weight[:, vocabulary["gold"]] = 2
        model.qa_outputs.weight[:, vocabulary["[CLS]"]] = 1
    model.save_pretrained(tmp_path / "m")
    inputs, gold = [], []
    for number in range(20):
        word = "gold" if number < 16 else "name1"
        context = " ".join(["filler"] * (number * 9) + [word, "decoy"] + ["filler"] * 30)
        right = ["decoy"] if number < 3 else ["gold"] if number < 16 else []
        inputs.append({"id": f"{number}", "text": context, "pair": "question"})
        gold.append({"id": f"{number}", "answers": right, "fields": {"answerable": "yes" if right else "no"}})
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in inputs))

    code, events = bench.run("manual-gaps", tmp_path / "m", tmp_path / "in.jsonl", **rules())

    assert code == 0, events
    values = {(v.metric, v.slice): v.value for v in score(GAPS, gold, read_predictions(GAPS, bench.output))}
    assert values["squad_exact_match", ""] == 17 / 20
    assert values["squad_exact_match", "answerable:yes"] == 13 / 16
    assert values["squad_exact_match", "answerable:no"] == 1


def test_a_question_that_leaves_no_room_is_cut_and_counted(bench, reader, tmp_path):
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": "a", "pair": "why " * 500, "text": "Because of it."}) + "\n")

    code, events = bench.run("manual-gaps", reader, tmp_path / "in.jsonl", **rules())

    assert code == 0, events
    assert json.loads((bench.output / "measurements.json").read_text())["settings"]["questions_cut"] == 1


def test_a_model_that_reads_too_little_says_so(bench, reader, tmp_path):
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": "a", "pair": "why", "text": "Because."}) + "\n")

    code, events = bench.run("manual-gaps", reader, tmp_path / "in.jsonl", **rules(max_length=12))

    assert (code, events[-1]["reason"]) == (10, "unsupported")
    assert "too few for a question and a context" in events[-1]["message"]
