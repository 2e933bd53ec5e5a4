"""lm_eval 0.4.13 for real: recorded, answered by our runner, replayed; beside its own HFLM and our own engine."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation import harnesses
from evaluation.benchmarks import readers, sources
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.definitions import builtin_definitions, run_spec
from evaluation.benchmarks.schema import Engine, Generation
from evaluation.benchmarks.sources import manual_language
from evaluation.errors import BadOutput
from evaluation.harnesses import lm_eval, process
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score
from evaluation.runner.__main__ import main
from tests.evaluation.runner import language_models

NATIVE = {definition.id: definition for definition in builtin_definitions()}
HARNESS = {definition.id.removesuffix("-lm-eval"): definition for definition in harnesses.definitions()}
NAMES = ("manual-next-sentence", "manual-perplexity", "manual-last-word")
HFLM = Path(__file__).with_name("hflm.py")


ROWS = 40  # of each task: every process of lm_eval costs seconds before it begins


@pytest.fixture(scope="module", autouse=True)
def _fewer_rows():
    def first(definition, split):
        return whole(definition, split)[:ROWS]

    whole = manual_language.records
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manual_language, "records", first)
        patch.setitem(sources.RECORDS, manual_language.REPO, first)
        patch.setattr(readers, "_KNOWN", type(readers._KNOWN)())
        yield


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "_harness", [lambda definition, files: harnesses.items_of(definition, folder, files)])
        yield folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two families whose answers depend on all they see; untrained, so that what they write is of many kinds."""
    return {
        family: language_models.save_random(
            tmp_path_factory.mktemp(family), family, positions=256, initializer_range=0.15
        )
        for family in ("gpt2", "llama")
    }


@pytest.fixture(scope="module")
def answered(tmp_path_factory, recordings, models):
    """A definition answered by our runner in fp32: its gold and the folder of its predictions."""
    known = {}

    def find(definition, family="llama"):
        key = (definition.id, family)
        if key not in known:
            folder = tmp_path_factory.mktemp("answered")
            made = readers.materialise(definition, run_seed="test", directory=folder)
            run = run_spec(definition) | {
                "run_id": "1", "model_dir": str(models[family]), "inputs": str(folder / "inputs.jsonl"),
                "dtype": "float32",
            }  # fmt: skip
            (folder / "spec.json").write_text(json.dumps({"protocol": 1, "device": "cpu", "runs": [run]}))
            assert main(["--spec", str(folder / "spec.json"), "--output", str(folder)]) == 0
            known[key] = (made.gold, folder)
        return known[key]

    return find


def by_document(definition, gold, folder):
    found = read_predictions(definition, folder)
    place = {key: index for index, key in enumerate(found.ids)}
    return found, [place[row["id"]] for row in sorted(gold, key=lambda row: row["document"])]


def by_hflm(definition, model, folder):
    """What lm_eval says when it runs the model itself."""
    data = folder / "test.jsonl"
    data.write_text(lm_eval._lines(definition, "test"))
    job = {
        "task": definition.engine.harness_task,
        "include": str(lm_eval.TASKS),
        "data": {"test": str(data)},
        "model": str(model),
    }
    (folder / "job.json").write_text(json.dumps(job))
    environment = process._environment(str(folder))
    command = [sys.executable, "-P", str(HFLM), str(folder / "job.json"), str(folder / "answer.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "answer.json").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_a_task_of_lm_eval_gives_the_same_numbers_as_our_own_definition(answered, name):
    gold, folder = answered(HARNESS[name])
    own_gold, own_folder = answered(NATIVE[name])

    theirs = harnesses.judge(HARNESS[name], gold, read_predictions(HARNESS[name], folder)).values
    ours = score(NATIVE[name], own_gold, read_predictions(NATIVE[name], own_folder))

    values = {value.metric: value for value in ours}
    assert theirs[0].primary
    for value in theirs:
        assert value.value == pytest.approx(values[value.metric].value, rel=1e-6)
        assert value.n == values[value.metric].n
        assert value.low <= value.value <= value.high
        assert value.signature.startswith("lm_eval 0.4.13, task manual_")


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_choices_agree_with_hflm_within_a_ten_thousandth_and_none_flips(answered, models, tmp_path, family):
    definition = HARNESS["manual-next-sentence"]
    gold, folder = answered(definition, family)
    theirs = by_hflm(definition, models[family], tmp_path)

    found, order = by_document(definition, gold, folder)

    for index, answers in zip(order, theirs["answers"], strict=True):
        assert found.logprobs[index] == pytest.approx([logprob for logprob, _ in answers], abs=1e-4)
        assert list(found.greedy[index]) == [greedy for _, greedy in answers]
    values = {value.metric: value.value for value in harnesses.judge(definition, gold, found).values}
    assert values == {name: theirs["metrics"][name]["value"] for name in values}


@pytest.mark.slow
def test_running_text_agrees_with_hflm(answered, models, tmp_path):
    definition = HARNESS["manual-perplexity"]
    gold, folder = answered(definition)
    theirs = by_hflm(definition, models["llama"], tmp_path)

    found, order = by_document(definition, gold, folder)

    assert [found.logprobs[index] for index in order] == pytest.approx([one for (one,) in theirs["answers"]], rel=1e-6)
    values = {value.metric: value.value for value in harnesses.judge(definition, gold, found).values}
    assert set(values) == {"bits_per_byte", "byte_perplexity", "word_perplexity"}
    assert values == pytest.approx({name: theirs["metrics"][name]["value"] for name in values}, rel=1e-6)


@pytest.mark.slow
def test_greedy_texts_agree_with_hflm(answered, models, tmp_path):
    definition = HARNESS["manual-last-word"]
    gold, folder = answered(definition)
    theirs = by_hflm(definition, models["llama"], tmp_path)

    found, order = by_document(definition, gold, folder)

    assert [found.outputs[index][0].text for index in order] == [text for (text,) in theirs["answers"]]
    assert len({text for (text,) in theirs["answers"]}) > 20
    (value,) = harnesses.judge(definition, gold, found).values
    assert value.value == theirs["metrics"]["exact_match"]["value"]


def test_what_is_recorded_holds_questions_and_no_answers(recordings):
    for name in NAMES:
        items = harnesses.items_of(HARNESS[name], recordings)

        assert set(items.inputs[0]) <= {"id", "text", "contexts", "continuations"}
        assert set(items.gold[0]) == {"id", "document", "requests"}
    assert len(list(recordings.glob("*.json"))) == 3


def test_a_recording_is_made_once_and_kept(recordings, monkeypatch):
    definition = HARNESS["manual-next-sentence"]
    first = harnesses.items_of(definition, recordings)
    monkeypatch.setattr(lm_eval, "run", None)

    assert harnesses.items_of(definition, recordings) == first


def test_another_task_file_or_another_lm_eval_is_another_recording(tmp_path, monkeypatch):
    definition = HARNESS["manual-last-word"]
    recordings, tasks, packages = (tmp_path / name for name in ("recordings", "tasks", "packages"))
    shutil.copytree(lm_eval.TASKS, tasks)
    monkeypatch.setattr(lm_eval, "TASKS", tasks)
    before = harnesses.items_of(definition, recordings)
    file = tasks / f"{definition.engine.harness_task}.yaml"
    file.write_text(file.read_text().replace('doc_to_text: "', 'doc_to_text: "Now: '))

    after = harnesses.items_of(definition, recordings)

    assert [row["text"] for row in after.inputs] == [f"Now: {row['text']}" for row in before.inputs]
    (packages / "lm_eval-9.dist-info").mkdir(parents=True)
    (packages / "lm_eval-9.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: lm_eval\nVersion: 9\n")
    monkeypatch.setattr(process, "PACKAGES", packages)
    with pytest.raises(DataUnavailable, match="could not run its task"):  # instead of what 0.4.13 recorded
        harnesses.items_of(definition, recordings)


def replaced(**changes):
    return dataclasses.replace(HARNESS["manual-next-sentence"], **changes)


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (
            dataclasses.replace(
                HARNESS["manual-last-word"], engine=Engine(name="lm_eval", harness_task="manual_perplexity")
            ),
            "asks for rolling, the definition for generate",
        ),
        (replaced(engine=Engine(name="lm_eval", harness_task="no_such_task")), "has no task 'no_such_task'"),
        (
            replaced(dataset=dataclasses.replace(HARNESS["manual-next-sentence"].dataset, expect_rows=5)),
            "5 are expected",
        ),
        (
            dataclasses.replace(HARNESS["manual-last-word"], generation=Generation(max_new_tokens=9, stop=("\n",))),
            "after 8 tokens",
        ),
    ],
)
def test_a_task_and_a_definition_that_disagree_are_no_data(recordings, definition, said):
    with pytest.raises(DataUnavailable, match=said):
        harnesses.items_of(definition, recordings)


def test_answers_that_do_not_fit_the_questions_are_refused(answered, tmp_path):
    definition = HARNESS["manual-next-sentence"]
    gold, folder = answered(definition)
    lines = (folder / "predictions.jsonl").read_text().splitlines()
    row = json.loads(lines[0])
    fewer = row | {"logprobs": row["logprobs"][:2], "greedy": row["greedy"][:2]}
    for changed, said in ((lines[1:], "did not answer 1 of"), ([json.dumps(fewer), *lines[1:]], "judged 2")):
        (tmp_path / "predictions.jsonl").write_text("\n".join(changed) + "\n")

        with pytest.raises(BadOutput, match=said):
            harnesses.judge(definition, gold, read_predictions(definition, tmp_path))


def test_without_the_harness_its_benchmarks_have_no_data(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "PACKAGES", tmp_path / "absent")

    with pytest.raises(DataUnavailable, match="make harness"):
        harnesses.items_of(HARNESS["manual-next-sentence"], tmp_path)


def test_the_trusted_side_never_imports_a_harness():
    probe = "import sys, evaluation.harnesses; assert not {'lm_eval', 'torch', 'datasets'} & set(sys.modules)"

    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
