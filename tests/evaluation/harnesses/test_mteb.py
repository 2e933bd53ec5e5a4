"""mteb for real: its texts recorded, embedded by our runner, replayed; beside its own loop and our own engine."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules as parts

from evaluation import harnesses
from evaluation.benchmarks import readers
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.definitions import builtin_definitions, library_definitions, run_spec
from evaluation.errors import BadOutput
from evaluation.harnesses import laid_out, mteb, process
from evaluation.metrics.kinds.embeddings import EmbeddingPredictions
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score
from evaluation.runner.__main__ import main
from tests.evaluation.benchmarks.data import dataset, lines, parquet
from tests.evaluation.runner import models

NATIVE = {definition.id: definition for definition in builtin_definitions()}
OWN = {one.id: one for one in harnesses.definitions() if one.engine.name == "mteb"}
LIBRARY = {one.id: one for one in library_definitions() if one.engine.name == "mteb"}
LOOP = Path(__file__).with_name("mteb_loop.py")
APART = 1e-4  # of main scores: what fp32 sums differ by flips next to no rank


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "_KNOWN", type(readers._KNOWN)())
        patch.setattr(readers, "_harness", [lambda definition, files: harnesses.items_of(definition, folder, files)])
        yield folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Seeded and small: texts are near that share words. With a prompt of each kind that mteb looks for."""
    torch.manual_seed(3)
    folder = tmp_path_factory.mktemp("embeds")
    tokenizer = models.build_tokenizer([text for text, _ in readers.langid_train()[::5]])
    config = models.bert_config(tokenizer, initializer_range=0.02)
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(folder / "encoder")
    tokenizer.save_pretrained(folder / "encoder")
    prompts = {"query": "ask: ", "document": "text: ", "STS": "how alike: ", "NFCorpus-query": "which: ",
               "CatalogueLanguages": "not looked for by mteb, which does not know this task: "}  # fmt: skip
    encoder = parts.Transformer(str(folder / "encoder"), max_seq_length=64)
    modules = [encoder, parts.Pooling(48, pooling_mode="mean"), parts.Normalize()]
    SentenceTransformer(modules=modules, prompts=prompts, device="cpu").save(str(folder / "model"))
    return folder / "model"


@pytest.fixture(scope="module")
def answered(tmp_path_factory, recordings, model):
    """A definition answered by our runner in fp32: its gold and the folder of its predictions."""
    known = {}

    def find(definition, files=None):
        if definition.id not in known:
            folder = tmp_path_factory.mktemp("answered")
            made = readers.materialise(definition, run_seed="test", directory=folder, files=files)
            run = run_spec(definition) | {
                "run_id": "1", "model_dir": str(model), "inputs": str(folder / "inputs.jsonl"), "dtype": "float32",
            }  # fmt: skip
            (folder / "spec.json").write_text(json.dumps({"protocol": 1, "device": "cpu", "runs": [run]}))
            assert main(["--spec", str(folder / "spec.json"), "--output", str(folder)]) == 0
            known[definition.id] = (made.gold, folder)
        return known[definition.id]

    return find


def values_of(answered, definition, files=None):
    gold, folder = answered(definition, files)
    found = harnesses.judge(definition, gold, read_predictions(definition, folder), files=files).values
    return {value.metric.removeprefix("mteb_"): value for value in found}


def by_its_own_loop(definition, model, folder, files=None):
    """What mteb says when it runs the model itself."""
    data = folder / "data"
    data.mkdir()
    if files is None:
        laid_out.write_tables(mteb._tables(definition)(), data)
    else:
        laid_out.write_files(files, data)
    own = mteb._own_task(definition)
    job = {
        "task": definition.engine.harness_task,
        "own": str(own) if own.is_file() else None,
        "revision": definition.dataset.revision,
        "subset": "default",
        "split": definition.dataset.split,
        "data": str(data),
        "model": str(model),
    }
    (folder / "job.json").write_text(json.dumps(job))
    command = [sys.executable, "-P", "-B", str(LOOP), str(folder / "job.json"), str(folder / "answer.json")]
    done = subprocess.run(
        command, env=process._environment(str(folder)), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "answer.json").read_text())


def test_a_retrieval_of_mteb_gives_the_same_numbers_as_our_own_definition(answered, model, tmp_path):
    definition = OWN["manual-retrieval-mteb"]
    theirs = values_of(answered, definition)

    plain = tmp_path / "native"
    made = readers.materialise(NATIVE["retrieval-en"], run_seed="test", directory=plain)
    run = run_spec(NATIVE["retrieval-en"]) | {
        "run_id": "1", "model_dir": str(model), "inputs": str(plain / "inputs.jsonl"), "dtype": "float32",
    }  # fmt: skip
    (plain / "spec.json").write_text(json.dumps({"protocol": 1, "device": "cpu", "runs": [run]}))
    assert main(["--spec", str(plain / "spec.json"), "--output", str(plain)]) == 0
    ours = score(NATIVE["retrieval-en"], made.gold, read_predictions(NATIVE["retrieval-en"], plain))

    values = {value.metric: value for value in ours}
    assert theirs["ndcg_at_10"].primary
    for name in ("ndcg@10", "recall@1", "recall@10"):
        value = theirs[name.replace("@", "_at_")]
        assert value.value == pytest.approx(values[name].value, abs=1e-9)
        assert value.n == values[name].n == len(made.gold) / 2
        assert value.low <= value.value <= value.high
    assert theirs["ndcg_at_10"].signature == "mteb 2.26.24, task ManualRetrieval, default, test"


@pytest.mark.slow
@pytest.mark.timeout(900)  # three processes that import mteb, each seconds of work
@pytest.mark.parametrize("name", sorted(OWN))
def test_main_scores_are_those_of_mtebs_own_loop(name, answered, model, tmp_path):
    definition = OWN[name]

    ours = values_of(answered, definition)

    theirs = by_its_own_loop(definition, model, tmp_path)
    assert set(ours) <= set(theirs)
    for metric, value in ours.items():
        assert value.value == pytest.approx(theirs[metric], abs=APART), metric
        assert 0 < value.value < 1
        assert value.low < value.value < value.high
    assert ours[definition.primary.name.removeprefix("mteb_")].primary


PAIRS = [(f"Sentence {number}.", f"A sentence, number {number * 7 % 13}.", number * 5 % 11 / 2) for number in range(40)]
DOCUMENTS = [{"_id": f"d{number}", "title": f"On {number}", "text": text} for number, (_, text, _) in enumerate(PAIRS)]
QUERIES = [{"_id": f"q{number}", "text": text} for number, (text, _, _) in enumerate(PAIRS[:12])]
RELEVANT = [
    {"query-id": f"q{number}", "corpus-id": f"d{other}", "score": 2 - other % 2}
    for number in range(12)
    for other in {number, number * 3 % 40}
]


def card(**configs):
    head = "".join(
        f"- config_name: {name}\n  data_files:\n  - {{split: {split}, path: {path}}}\n"
        for name, (split, path) in configs.items()
    )
    return f"---\nconfigs:\n{head}---\n# Rows\n".encode()


MIRRORED = {
    "sts-benchmark-mteb": {
        "data/test.parquet": parquet([{"sentence1": a, "sentence2": b, "score": near} for a, b, near in PAIRS]),
        "README.md": card(default=("test", "data/test.parquet")),
    },
    "nfcorpus-mteb": {
        "corpus.jsonl": lines(*DOCUMENTS),
        "queries.jsonl": lines(*QUERIES),
        "qrels/test.jsonl": lines(*RELEVANT),
        "README.md": card(
            default=("test", "qrels/test.jsonl"),
            corpus=("corpus", "corpus.jsonl"),
            queries=("queries", "queries.jsonl"),
        ),
    },
}


@pytest.mark.slow
@pytest.mark.timeout(900)  # three processes that import mteb, each seconds of work
@pytest.mark.parametrize(("name", "documents"), [("sts-benchmark-mteb", 40), ("nfcorpus-mteb", 12)])
def test_a_published_task_is_asked_on_its_mirrored_dataset(name, documents, answered, model, tmp_path):
    wanted = LIBRARY[name]
    small = dataclasses.replace(
        wanted, id=f"{name}-tiny", dataset=dataclasses.replace(wanted.dataset, expect_rows=documents)
    )
    files = dataset(MIRRORED[name], revision=wanted.dataset.revision)

    ours = values_of(answered, small, files)

    theirs = by_its_own_loop(small, model, tmp_path, files)
    for metric, value in ours.items():
        assert value.value == pytest.approx(theirs[metric], abs=APART), metric
        assert value.n == documents
    assert f"task {wanted.engine.harness_task}" in ours[wanted.primary.name.removeprefix("mteb_")].signature


def test_what_is_recorded_holds_texts_and_no_answers(answered):
    gold, _ = answered(OWN["manual-retrieval-mteb"])
    items = readers.read(OWN["manual-retrieval-mteb"])

    assert {tuple(row) for row in items.inputs} == {("id", "text", "role", "prompts")}
    assert {row["role"] for row in items.inputs} == {"query", "document"}
    assert items.inputs[0]["prompts"] == ["Retrieval-query", "Retrieval", "query"]
    assert {tuple(row) for row in gold} == {("id", "place")}


def test_a_recording_is_made_once_and_kept(answered, recordings, monkeypatch):
    definition = OWN["manual-retrieval-mteb"]
    answered(definition)
    monkeypatch.setattr(mteb, "run", None)

    assert harnesses.items_of(definition, recordings) == readers.read(definition)


def without_asking(monkeypatch, found):
    """Checks on our side of an answer that mteb gave: the process that gives it costs seconds."""
    monkeypatch.setattr(mteb, "_ask", lambda *_: found)


def embedded(table):
    table = np.array(table, dtype=np.float64)
    gold = [{"id": f"{number}", "place": number} for number in range(len(table))]
    return gold, EmbeddingPredictions(ids=tuple(row["id"] for row in gold), embeddings=table)


def test_documents_of_another_number_are_no_data(tmp_path, monkeypatch):
    without_asking(monkeypatch, {"documents": 3, "asked": []})

    with pytest.raises(DataUnavailable, match="judges 3 documents here; 694 are expected"):
        harnesses.items_of(OWN["catalogue-languages-mteb"], tmp_path)


def test_a_score_that_is_not_what_its_documents_make_is_none(monkeypatch):
    definition = OWN["catalogue-languages-mteb"]
    said = {"version": "2", "documents": 2, "columns": {"accuracy": [1.0, 0.5]}, "values": {"accuracy": 0.7}}
    without_asking(monkeypatch, said)

    with pytest.raises(DataUnavailable, match=r"0\.7; its documents make 0\.75"):
        harnesses.judge(definition, *embedded([[1.0], [0.0]]))


def test_embeddings_without_any_difference_have_no_correlation(monkeypatch):
    definition = OWN["manual-relatedness-mteb"]
    columns = {"cosine": [1.0, 1.0], "gold": [0.0, 3.0]}
    without_asking(monkeypatch, {"version": "2", "documents": 2, "columns": columns, "values": {}})

    with pytest.raises(BadOutput, match="no cosine_spearman for these embeddings"):
        harnesses.judge(definition, *embedded([[1.0], [1.0]]))


def test_embeddings_that_do_not_fit_the_texts_are_refused():
    gold, found = embedded([[1.0], [0.0]])

    with pytest.raises(BadOutput, match="did not answer 1 of"):
        harnesses.judge(OWN["manual-retrieval-mteb"], [*gold, {"id": "2", "place": 2}], found)


def test_the_library_names_mtebs_own_tasks_and_commits():
    """Without starting mteb: its files say both."""
    stated = "\n".join(path.read_text() for path in sorted((process.PACKAGES / "mteb" / "tasks").rglob("*/eng/*.py")))

    assert len(LIBRARY) == 4
    for one in LIBRARY.values():
        assert f'name="{one.engine.harness_task}"' in stated
        assert f'"path": "{one.dataset.repo}"' in stated
        assert f'"revision": "{one.dataset.revision}"' in stated
        assert one.status == "draft"


def test_without_the_harness_its_benchmarks_have_no_data(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "PACKAGES", tmp_path / "absent")

    with pytest.raises(DataUnavailable, match="make harness"):
        harnesses.items_of(OWN["manual-retrieval-mteb"], tmp_path)


def test_until_its_dataset_is_mirrored_a_published_task_waits():
    with pytest.raises(DataUnavailable, match="Waiting for data: mirror mteb/nfcorpus@ec0fa4fe"):
        readers.read(LIBRARY["nfcorpus-mteb"])
