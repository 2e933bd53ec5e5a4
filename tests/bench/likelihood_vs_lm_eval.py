"""Our likelihoods beside lm_eval's own HFLM: same model, same four choices behind long contexts, same threads.

    .venv/bin/python -m tests.bench.likelihood_vs_lm_eval [--items 24] [--rounds 2]

Both are timed from texts to log-likelihoods in memory, after loading and one warm-up; rounds alternate, the best
counts. HFLM runs with a batch of 1, 4 and 8 and is given its best.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from evaluation.harnesses.process import PACKAGES
from evaluation.runner.spec import InputRow, RunSpec
from tests.bench.contest import Figure, in_turns, show, with_passive_threads
from tests.bench.our_runner import answers_of
from tests.evaluation.runner import language_models

BATCHES = (1, 4, 8)  # of HFLM


def save_model(folder: Path) -> Path:
    """A GPT-2 of 8 million parameters with random weights, which cost as much as any."""
    torch.manual_seed(0)
    tokenizer = language_models.byte_tokenizer()
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer), n_positions=1024, n_embd=320, n_layer=6, n_head=5, bos_token_id=0, eos_token_id=0,
        pad_token_id=0, initializer_range=0.1,
    )  # fmt: skip
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def our_answers(folder: Path) -> Callable[[Sequence[dict[str, Any]]], list[list[float]]]:
    run = RunSpec(run_id="1", request="loglikelihood", model_dir=folder, inputs=folder, output=folder, labels=())
    answers = answers_of(run)

    def answer(items: Sequence[dict[str, Any]]) -> list[list[float]]:
        rows = [InputRow(id=str(number), **item) for number, item in enumerate(items)]
        return [result["logprobs"] for result in answers(rows)]

    return answer


def hflm_answers(folder: Path, batch: int) -> Callable[[Sequence[dict[str, Any]]], list[list[float]]]:
    sys.path.append(str(PACKAGES))
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(folder), dtype="float32", device="cpu", batch_size=batch)

    def answer(items: Sequence[dict[str, Any]]) -> list[list[float]]:
        asked = [
            Instance("loglikelihood", {}, (item["contexts"][0], after), place, ("bench", number, 1))
            for number, item in enumerate(items)
            for place, after in enumerate(item["continuations"])
        ]
        found = iter(model.loglikelihood(asked, disable_tqdm=True))
        return [[next(found)[0] for _ in item["continuations"]] for item in items]

    return answer


def compare(count: int, rounds: int) -> list[Figure]:
    items = language_models.choices(count=count, context_words=(80, 160), length=12)
    with tempfile.TemporaryDirectory() as made:
        folder = save_model(Path(made) / "model")
        answers = {"ours": our_answers(folder)} | {f"{batch}": hflm_answers(folder, batch) for batch in BATCHES}
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        for answer in answers.values():
            answer(items[:2])
        ways = {way: lambda answer=answer: answer(items) for way, answer in answers.items()}
        outcome = in_turns(ways, rounds)
    best = outcome.fastest([f"{batch}" for batch in BATCHES])
    pairs = list(zip(outcome.answers["ours"], outcome.answers[best], strict=True))
    return [
        Figure(
            title=f"likelihoods, {count} items of four choices behind long contexts",
            ours=count / outcome.seconds["ours"],
            theirs=count / outcome.seconds[best],
            beside=f"lm_eval's HFLM(batch_size={best})",
            largest_difference=max(abs(a - b) for ours, theirs in pairs for a, b in zip(ours, theirs, strict=True)),
            same=all(ours.index(max(ours)) == theirs.index(max(theirs)) for ours, theirs in pairs),
            unit=" nats",
        )
    ]


def main() -> None:
    with_passive_threads()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    show(compare(options.items, options.rounds), as_json=options.json)


if __name__ == "__main__":
    main()
