"""Texts that decoder-only models write: greedy, stopped, drawn; alone and beside others."""

import json

import pytest
import torch
import transformers

from evaluation.runner.__main__ import main
from evaluation.runner.tasks import writing
from tests.evaluation.runner import language_models
from tests.evaluation.runner.language_models import END, write_rows

WORDS = [END, "ask", "one", "two", "three", "stop", "loop", "and"]
LIKED = {
    ("ask", "one"): 9.0,
    ("one", "two"): 9.0,
    ("two", "three"): 9.0,
    ("three", "stop"): 9.0,
    ("stop", END): 9.0,
    ("loop", "loop"): 9.0,
}


def written(bench, model, texts, **generation):
    code, events = attempt(bench, model, texts, **generation)
    assert code == 0, events
    lines = (bench.output / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["outputs"] for line in lines]


def attempt(bench, model, texts, *, prompt=None, seed=0, **generation):
    path = write_rows(bench.folder.parent / "rows.jsonl", [{"text": text} for text in texts])
    options = {"generation": {"max_new_tokens": 8} | generation, "prompt": prompt}
    return bench.run("manual-last-word", model, path, options=options, seed=seed)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return language_models.save_planted(tmp_path_factory.mktemp("planted"), WORDS, LIKED, family="llama")


@pytest.fixture(scope="module")
def random_models(tmp_path_factory):
    names = ("gpt2", "llama", "bloom", "mamba")
    return {name: language_models.save_random(tmp_path_factory.mktemp(name), name) for name in names}


def test_a_planted_model_writes_until_it_ends_or_is_cut(bench, planted):
    ended, cut = written(bench, planted, ["ask", "two ask loop"])

    assert ended == [{"text": "one two three stop", "tokens": 4, "truncated": False}]
    assert cut == [{"text": " ".join(["loop"] * 8), "tokens": 8, "truncated": True}]


def test_a_model_with_several_ends_and_no_padding_stops_at_each(bench, tmp_path):
    folder = language_models.save_planted(tmp_path / "ends", WORDS, LIKED, family="llama")
    path = folder / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"eos_token_id": [0, WORDS.index("three")]}))

    ended, cut = written(bench, folder, ["ask", "loop"])

    assert ended == [{"text": "one two", "tokens": 2, "truncated": False}]
    assert cut[0]["truncated"]


def test_a_stop_string_ends_the_text_before_it(bench, planted):
    ((stopped,), (other,)) = written(bench, planted, ["ask", "loop"], stop=["three", "never"])

    assert stopped["text"].strip() == "one two"
    assert stopped["tokens"] < 8
    assert not stopped["truncated"]
    assert other["truncated"]


@pytest.mark.parametrize("family", ["gpt2", "llama", "bloom", "mamba"])
def test_texts_of_a_batch_are_those_of_each_prompt_alone(bench, random_models, family):
    folder = random_models[family]
    prompts = [row["contexts"][0] for row in language_models.choices(count=9, context_words=(1, 30))]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()

    found = written(bench, folder, prompts, max_new_tokens=10, stop=["e"])

    for prompt, (output,) in zip(prompts, found, strict=True):
        ids = tokenizer(prompt)["input_ids"][-118:]
        own = []
        while len(own) < 10 and own[-1:] != [0]:
            with torch.inference_mode():
                own.append(int(model(torch.tensor([ids + own])).logits[0, -1].argmax()))
        alone = tokenizer.decode(own, skip_special_tokens=True)
        assert output["text"] == alone.split("e")[0]


def test_drawn_texts_depend_on_seed_and_prompt_and_not_on_their_neighbours(bench, random_models):
    draw = {"do_sample": True, "temperature": 0.7, "repeats": 3}
    whole = written(bench, random_models["llama"], ["One day", "Twice", "Three times a"], **draw)

    alone = written(bench, random_models["llama"], ["Twice"], **draw)
    other = written(bench, random_models["llama"], ["Twice"], seed=1, **draw)

    assert whole[1] == alone[0]
    assert alone != other
    assert len({output["text"] for output in alone[0]}) == 3


def test_drawing_follows_the_models_chances(bench, tmp_path):
    liked = {("ask", "one"): 1.0, ("ask", "two"): 0.7, ("one", END): 9.0, ("two", END): 9.0}
    folder = language_models.save_planted(tmp_path / "coin", WORDS, liked, family="llama")
    table = language_models.planted_logprobs(WORDS, liked, family="llama")

    ((*drawn,),) = written(bench, folder, ["ask"], do_sample=True, repeats=400, max_new_tokens=1)

    for word in ("one", "two"):
        share = sum(output["text"] == word for output in drawn) / 400
        assert share == pytest.approx(float(torch.tensor(table[1, WORDS.index(word)]).exp()), abs=0.09)


def test_what_a_model_wishes_for_its_own_writing_is_not_followed(bench, random_models, tmp_path):
    folder = language_models.save_random(tmp_path / "wishes", "llama")
    before = written(bench, folder, ["Once"])
    wishes = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(
        json.dumps(wishes | {"repetition_penalty": 5.0, "min_new_tokens": 3})
    )

    assert written(bench, folder, ["Once"]) == before


CHAT = "{% for message in messages %}{{ message.content }} {% endfor %}{% if add_generation_prompt %}ask{% endif %}"


def with_template(folder, template):
    language_models.save_planted(folder, WORDS, LIKED, family="llama")
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": template}))
    return folder


def test_a_chat_template_frames_the_prompt_where_the_benchmark_wants_it(bench, tmp_path):
    folder = with_template(tmp_path / "chat", CHAT)

    ((framed,),) = written(bench, folder, ["loop"], prompt={"chat_template": "auto"})
    ((bare,),) = written(bench, folder, ["loop"], prompt={"chat_template": "off"})

    assert framed["text"] == "one two three stop"
    assert bare["text"].startswith("loop loop")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ messages[0].__class__.__mro__[1].__subclasses__() }}", "chat template of the model failed"),
        ("{{ raise_exception('no user turns') }}", "no user turns"),
        ("{{ 'a' * 10**15 }}", "chat template of the model failed"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "chat template of the model failed"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "takes too long"),
    ],
)
def test_a_chat_template_that_escapes_fails_or_never_ends_ends_the_run(bench, tmp_path, monkeypatch, template, said):
    monkeypatch.setattr("evaluation.runner.tasks.decoder.CHAT_SECONDS", 1.0)
    folder = with_template(tmp_path / "chat", template)

    code, events = attempt(bench, folder, ["ask"], prompt={"chat_template": "auto"})

    assert code != 0
    assert events[-1]["reason"] == "unsupported"
    assert said in events[-1]["message"]


def test_a_prompt_that_is_too_long_loses_its_beginning(bench, planted):
    ((kept,),) = written(bench, planted, ["loop " * 200 + "ask"])

    assert kept["text"] == "one two three stop"
    assert json.loads((bench.output / "measurements.json").read_text())["settings"]["items_cut"] == 1


def test_more_new_tokens_than_the_model_has_room_for_are_refused(bench, planted):
    code, events = attempt(bench, planted, ["ask"], max_new_tokens=64)

    assert code != 0
    assert "asks for 64 new tokens; the model sees 64" in events[-1]["message"]


def test_a_model_that_is_disturbed_by_padding_gets_its_prompts_one_by_one(random_models, tmp_path, monkeypatch):
    from evaluation.runner.loading import Loader
    from evaluation.runner.spec import RunSpec

    run = RunSpec(
        run_id="1", request="generate", model_dir=random_models["gpt2"], inputs=tmp_path, output=tmp_path, labels=(),
        options={"generation": {"max_new_tokens": 8}},
    )  # fmt: skip
    assert writing.PromptToText(run, Loader("cpu")).budget().items > 1
    forgetful = writing.padded

    def without_mask(*arguments, **options):
        batch = forgetful(*arguments, **options)
        return batch | {"attention_mask": torch.ones_like(batch["attention_mask"])}

    monkeypatch.setattr(writing, "padded", without_mask)

    assert writing.PromptToText(run, Loader("cpu")).budget().items == 1


def test_what_a_run_asked_of_the_model_is_nothing_to_the_next_in_its_process(bench, random_models):
    asked = [{"do_sample": True, "temperature": 0.8}, {"beams": 3}, {"max_new_tokens": 12}, {"beams": 3}]
    model = random_models["llama"]
    path = write_rows(bench.folder.parent / "rows.jsonl", [{"text": text} for text in ("Once", "upon a time")])

    def run(number):
        options = {"generation": {"max_new_tokens": 8} | asked[number]}
        spec = bench.spec("manual-last-word", model, path, options=options, seed=number)
        return json.loads(spec.read_text())["runs"][0] | {"run_id": str(number), "output": str(number)}

    def answers(*numbers, into):
        spec = bench.write({"protocol": 1, "device": "cpu", "runs": [run(number) for number in numbers]})
        assert main(["--spec", str(spec), "--output", str(bench.folder / into)]) == 0
        return [(bench.folder / into / str(number) / "predictions.jsonl").read_bytes() for number in numbers]

    alone = [answers(number, into=f"alone{number}")[0] for number in range(4)]

    assert answers(0, 1, 2, 3, into="together") == alone
    assert len(set(alone)) > 2
