"""Log-likelihoods: what arithmetic says, what one pass a choice says, and what is refused."""

import itertools
import json
import math

import numpy as np
import pytest
import torch
import transformers

from evaluation.runner import computing
from evaluation.runner.tasks import continuations
from evaluation.runner.tasks.rolling import windows
from tests.evaluation.runner import language_models
from tests.evaluation.runner.language_models import END, write_rows

WORDS = [END, *(f"q{number}" for number in range(12)), *"abcdef", "x"]
LIKED = {("q0", "a"): 1.5, ("q0", "b"): 1.0, ("a", "c"): 0.7, ("b", "d"): 2.0, ("c", "c"): 0.4, (END, "q1"): 1.1}


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def answers(bench, model, rows, request="loglikelihood", **changes):
    path = write_rows(bench.folder.parent / "rows.jsonl", rows)
    code, events = bench.run("manual-next-sentence", model, path, request=request, **changes)
    assert code == 0, events
    return rows_of(bench.output / "predictions.jsonl")


def settings(bench):
    return json.loads((bench.output / "measurements.json").read_text())["settings"]


@pytest.fixture(scope="module")
def random_models(tmp_path_factory):
    known = {}

    def find(family, **changes):
        key = (family, *sorted(changes.items()))
        if key not in known:
            folder = tmp_path_factory.mktemp(family)
            known[key] = language_models.save_random(folder, family, **changes)
        return known[key]

    return find


def one_by_one(folder, rows, longest=128):
    """Each continuation in a pass of its own, with nothing but transformers."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    found = []
    for row in rows:
        values = []
        for after in row["continuations"]:
            context = row["contexts"][0]
            before, whole = tokenizer(context)["input_ids"], tokenizer(context + after)["input_ids"]
            follow = whole[len(before) :]
            ids = (before + follow)[-(longest + 1) :]
            with torch.inference_mode():
                chances = model(torch.tensor([ids[:-1]])).logits[0].double().log_softmax(-1)
            picked = chances[-len(follow) :]
            values.append(sum(float(line[token]) for line, token in zip(picked, follow, strict=True)))
        found.append(values)
    return found


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_planted_model_says_what_arithmetic_says(bench, tmp_path, family):
    folder = language_models.save_planted(tmp_path / "planted", WORDS, LIKED, family=family)
    table = language_models.planted_logprobs(WORDS, LIKED, family=family)
    place = {word: number for number, word in enumerate(WORDS)}
    rows = [
        {"contexts": ["x q0"], "continuations": [" a", " b", " x"]},
        {"contexts": ["q0"], "continuations": [" a c c", " b d", " x"]},
        {"contexts": [""], "continuations": ["q1", "q2"]},
        {"contexts": ["q0", "q3"], "continuations": [" a c", " a c"]},
    ]

    found = answers(bench, folder, rows)

    def chance(*words):
        return sum(table[place[last], place[following]] for last, following in itertools.pairwise(words))

    wanted = [
        [chance("q0", "a"), chance("q0", "b"), chance("q0", "x")],
        [chance("q0", "a", "c", "c"), chance("q0", "b", "d"), chance("q0", "x")],
        [chance(END, "q1"), chance(END, "q2")],
        [chance("q0", "a", "c"), chance("q3", "a", "c")],
    ]
    for answer, values in zip(found, wanted, strict=True):
        assert answer["logprobs"] == pytest.approx(values, abs=1e-4)
    assert found[0]["greedy"] == [True, False, False]
    assert found[2]["greedy"] == [True, False]
    assert settings(bench)["shared_contexts"]


@pytest.mark.parametrize(
    ("family", "shared"),
    [("gpt2", True), ("llama", True), ("qwen3", True), ("gemma2", True), ("bloom", False), ("mamba", False)],
)
def test_choices_of_one_context_get_what_each_gets_alone(bench, random_models, family, shared):
    folder, rows = random_models(family), language_models.choices(count=10, context_words=(1, 12))
    rows += language_models.choices(count=4, context_words=(20, 30), seed=1)

    found = answers(bench, folder, rows)

    for answer, values in zip(found, one_by_one(folder, rows), strict=True):
        assert answer["logprobs"] == pytest.approx(values, abs=1e-4)
    assert settings(bench)["shared_contexts"] is shared
    assert settings(bench)["items_cut"] == 0


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_contexts_that_are_too_long_lose_their_beginning(bench, random_models, family):
    folder = random_models(family)
    rows = language_models.choices(count=6, context_words=(60, 120)) + language_models.choices(count=3, seed=2)

    found = answers(bench, folder, rows)

    for answer, values in zip(found, one_by_one(folder, rows), strict=True):
        assert answer["logprobs"] == pytest.approx(values, abs=1e-4)
    assert 4 <= settings(bench)["items_cut"] <= 9


def test_choices_of_one_token_need_one_pass_over_their_context(bench, random_models, monkeypatch):
    folder = random_models("gpt2")
    rows = [{"contexts": [row["contexts"][0]], "continuations": ["\n", "!", "0"]} for row in language_models.choices()]
    passes = []
    original = continuations.ContinuationScorer._forward

    def counted(self, *arguments, **inputs):
        passes.append(inputs)
        return original(self, *arguments, **inputs)

    monkeypatch.setattr(continuations.ContinuationScorer, "_forward", counted)
    found = answers(bench, folder, rows)

    batches = json.loads((bench.output / "measurements.json").read_text())["batches"]
    trial = [inputs for inputs in passes if inputs["input_ids"].shape[1] <= 8]
    assert len(passes) - len(trial) == batches
    assert not any("past_key_values" in inputs for inputs in passes[len(trial) :])
    for answer, values in zip(found, one_by_one(folder, rows), strict=True):
        assert answer["logprobs"] == pytest.approx(values, abs=1e-4)


def test_running_out_of_memory_changes_no_number(bench, random_models, monkeypatch):
    folder, rows = random_models("llama"), language_models.choices(count=24, context_words=(3, 40))
    whole = answers(bench, folder, rows)
    original = continuations.ContinuationScorer._forward

    def limited(self, *arguments, **inputs):
        if inputs["input_ids"].numel() > 400:
            raise torch.OutOfMemoryError("injected")
        return original(self, *arguments, **inputs)

    monkeypatch.setattr(continuations.ContinuationScorer, "_forward", limited)
    again = answers(bench, folder, rows)

    measured = json.loads((bench.output / "measurements.json").read_text())
    assert measured["halvings"] > 0
    for one, other in zip(whole, again, strict=True):
        assert one["logprobs"] == pytest.approx(other["logprobs"], abs=1e-5)


def test_the_head_is_applied_where_something_is_scored_and_nowhere_else(bench, random_models, monkeypatch):
    rows = language_models.choices(count=8, context_words=(40, 60))
    seen = []
    original = continuations._judge

    def watched(logits, *arguments):
        seen.append(len(logits))
        original(logits, *arguments)

    monkeypatch.setattr(continuations, "_judge", watched)
    answers(bench, random_models("gpt2"), rows)

    tokenizer = language_models.byte_tokenizer()
    scored = sum(1 + sum(len(tokenizer(after)["input_ids"]) - 1 for after in row["continuations"]) for row in rows)
    assert sum(seen[-2:]) <= scored * 1.2  # a few words are other tokens behind their context
    assert sum(seen[-2:]) < sum(len(tokenizer(row["contexts"][0])["input_ids"]) for row in rows) / 2


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_rolling_windows_predict_each_token_once_with_the_longest_context(bench, random_models, family):
    folder = random_models(family)
    texts = ["One.", " ".join(language_models.choices(count=1, context_words=(200, 201))[0]["contexts"]), "The end\n"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()

    found = answers(bench, folder, [{"text": text} for text in texts], request="rolling")

    for text, answer in zip(texts, found, strict=True):
        ids = tokenizer(text)["input_ids"]
        wanted = 0.0
        for index in range(len(ids)):
            # The window a token lies in ends at a multiple of 128, the last one at the end of the text.
            end = min((index // 128 + 1) * 128, len(ids))
            before = [0, *ids][max(0, end - 128) : index + 1] if end > 128 else [0, *ids[:index]]
            with torch.inference_mode():
                chances = model(torch.tensor([before])).logits[0, -1].double().log_softmax(-1)
            wanted += float(chances[ids[index]])
        assert answer == {"id": answer["id"], "logprob": pytest.approx(wanted, abs=2e-3), "tokens": len(ids)}


def test_windows_of_ten_tokens_with_room_for_four():
    parts = [(list(unit.context), list(unit.follow[0])) for unit in windows(range(1, 11), 0, 4)]

    assert parts == [([0], [1, 2, 3, 4]), ([4], [5, 6, 7, 8]), ([6, 7, 8], [9, 10])]
    assert list(windows([], 0, 4)) == []


def test_a_long_text_is_divided_when_memory_is_short(bench, random_models, monkeypatch):
    folder = random_models("gpt2")
    rows = [{"text": " ".join(language_models.choices(count=1, context_words=(300, 301))[0]["contexts"])}]
    whole = answers(bench, folder, rows, request="rolling")
    monkeypatch.setattr(computing, "CPU_TOKENS", (128, 128))

    again = answers(bench, folder, rows, request="rolling")

    assert whole[0]["tokens"] == again[0]["tokens"] > 500
    assert whole[0]["logprob"] == pytest.approx(again[0]["logprob"], rel=1e-6)


def failure(bench, model, rows, **changes):
    path = write_rows(bench.folder.parent / "rows.jsonl", rows)
    code, events = bench.run("manual-next-sentence", model, path, **changes)
    assert code != 0
    return events[-1]["reason"], events[-1]["message"]


def test_an_encoder_that_sees_later_words_is_no_language_model(bench, tmp_path):
    from tests.evaluation.runner.models import bert_config

    tokenizer = language_models.byte_tokenizer()
    torch.manual_seed(0)
    transformers.BertLMHeadModel(bert_config(tokenizer)).save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")

    reason, said = failure(bench, tmp_path / "bert", language_models.choices(count=2))

    assert reason == "unsupported"
    assert "looks at later tokens" in said


def test_an_answer_longer_than_the_model_sees_is_refused(bench, random_models):
    rows = [{"contexts": ["Why?"], "continuations": [" " + "word " * 200, " no"]}]

    reason, said = failure(bench, random_models("gpt2"), rows)

    assert reason == "unsupported"
    assert "the model sees 128 at once" in said


def test_numbers_that_are_not_finite_are_no_answer(bench, tmp_path):
    folder = language_models.save_random(tmp_path / "broken", "gpt2")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        model.transformer.ln_f.weight[0] = math.nan
    model.save_pretrained(folder)

    reason, said = failure(bench, folder, language_models.choices(count=2))

    assert reason == "bad_output"
    assert "not finite" in said


def test_a_tokenizer_without_any_special_token_is_refused(bench, tmp_path):
    folder = language_models.save_random(tmp_path / "bare", "gpt2")
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        path = folder / name
        if path.is_file():
            body = {key: value for key, value in json.loads(path.read_text()).items() if not key.endswith("_token")}
            path.write_text(json.dumps(body))

    reason, said = failure(bench, folder, language_models.choices(count=2))

    assert reason == "unsupported"
    assert "bos_token" in said


def test_a_tokenizer_that_frames_texts_gets_one_beginning_and_no_end(bench, tmp_path):
    from tokenizers import processors

    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=language_models.byte_tokenizer().backend_tokenizer.__class__.from_str(
            language_models.byte_tokenizer().backend_tokenizer.to_str()
        ),
        bos_token=END,
        eos_token="!",
    )
    end = tokenizer.convert_tokens_to_ids("!")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{END} $A !", special_tokens=[(END, 0), ("!", end)]
    )
    folder = language_models.save_random(tmp_path / "framed", "llama", tokenizer=tokenizer)
    rows = [{"contexts": [context], "continuations": [" one", " two more"]} for context in ("Say", f"{END}Say")]

    first, second = answers(bench, folder, rows)

    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = [0, *tokenizer("Say one", add_special_tokens=False)["input_ids"]]
    before = 1 + len(tokenizer("Say", add_special_tokens=False)["input_ids"])
    with torch.inference_mode():
        chances = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    wanted = sum(float(chances[index - 1, ids[index]]) for index in range(before, len(ids)))
    assert first["logprobs"][0] == pytest.approx(wanted, abs=1e-4)
    assert np.allclose(first["logprobs"], second["logprobs"], atol=1e-5)
