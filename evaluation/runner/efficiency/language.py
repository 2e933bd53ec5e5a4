"""How long a language model takes to its first token and to each one after; prefill and decoding apart."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
import transformers

from evaluation.runner.computing import guarded
from evaluation.runner.efficiency.figures import Figures, Repetitions
from evaluation.runner.efficiency.scenarios import Bench
from evaluation.runner.tasks.decoder import Decoder
from evaluation.runner.tasks.seq2seq import search

PROMPT_TOKENS, NEW_TOKENS = 512, 128
WARM_UPS = 2
ITERATIONS_PER_TEXT = 20  # a text is so much longer than an item that fewer do
NAMES = ("ttft_p50_ms", "ttft_p90_ms", "tpot_p50_ms", "tpot_p90_ms")


class Texts:
    """One prompt of real tokens, and the model that goes on from it."""

    def __init__(self, bench: Bench, decoder: Decoder) -> None:
        self.bench, self.loaded = bench, decoder.loaded
        self.prompt_tokens, self.new_tokens = _shape(decoder.max_length)
        ids = _tokens_of(bench, decoder, self.prompt_tokens)
        self.inputs = torch.tensor([ids], device=self.loaded.device)
        self.config = search(self.loaded, decoder.tokenizer.pad_token_id, beams=1, max_new_tokens=self.new_tokens)
        self.config.min_new_tokens = self.new_tokens

    @property
    def shape(self) -> str:
        return f"prompt of {self.prompt_tokens} tokens, {self.new_tokens} new"

    def write(self, stamp: Callable[[], None] = lambda: None, *, new_tokens: int | None = None) -> None:
        """Greedily, whatever the model would rather end; `stamp` is called behind each new token."""

        def forward() -> torch.Tensor:
            self.loaded.model.generation_config = self.config
            amount = {} if new_tokens is None else {"max_new_tokens": new_tokens, "min_new_tokens": new_tokens}
            written: torch.Tensor = self.loaded.model.generate(
                self.inputs, attention_mask=torch.ones_like(self.inputs), stopping_criteria=[_Stamps(stamp)], **amount
            )
            return written

        guarded(forward)


def first_and_further_tokens(texts: Texts, figures: Figures) -> None:
    bench = texts.bench
    warm = Repetitions(WARM_UPS, 0.0, bench.deadline)
    while warm.go_on():
        texts.write()
        warm.done += 1
        bench.tell()
    first: list[float] = []
    each: list[float] = []
    least = max(3, bench.asked.min_iterations // ITERATIONS_PER_TEXT)
    timed = Repetitions(least, bench.asked.min_seconds, bench.deadline)
    while timed.go_on():
        started, stamps = _timed(texts)
        first.append(stamps[0] - started)
        each.append((stamps[-1] - stamps[0]) / (len(stamps) - 1))
        timed.done += 1
        bench.tell()
    detail = f"batch 1, {texts.shape}, {timed.elapsed:.1f} s{timed.cut_short()}"
    figures.add_percentiles("ttft_p{}_ms", first, (50, 90), detail=detail)
    figures.add_percentiles("tpot_p{}_ms", each, (50, 90), detail=detail)


def _timed(texts: Texts) -> tuple[float, list[float]]:
    stamps: list[float] = []

    def stamp() -> None:
        texts.bench.synchronise()
        stamps.append(time.monotonic())

    texts.bench.synchronise()
    started = time.monotonic()
    texts.write(stamp)
    return started, stamps


class _Stamps(transformers.StoppingCriteria):
    """Stops nothing; is asked once per new token."""

    def __init__(self, stamp: Callable[[], None]) -> None:
        self.stamp = stamp

    def __call__(self, input_ids: torch.Tensor, scores: object, **options: object) -> torch.Tensor:
        self.stamp()
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


def _shape(max_length: int) -> tuple[int, int]:
    """512 and 128 where the model sees as much at once, else as much as it sees, in about the same proportion."""
    if max_length >= PROMPT_TOKENS + NEW_TOKENS:
        return PROMPT_TOKENS, NEW_TOKENS
    new = max(2, max_length * NEW_TOKENS // (PROMPT_TOKENS + NEW_TOKENS))
    return max(1, max_length - new), new


def _tokens_of(bench: Bench, decoder: Decoder, count: int) -> list[int]:
    """The first tokens of the benchmark's texts in the order of the seed, again from the start where they end."""
    found: list[int] = []
    for row in bench.shuffled():
        text: Sequence[str] = (row.text, *row.contexts, *row.continuations)
        for ids in decoder.encode([part for part in text if part], special=False).values():
            found.extend(ids)
        if len(found) >= count:
            break
    found = found or [decoder.prefix_id]
    return (found * -(-count // len(found)))[:count]


def decoder_of(task: Any) -> Decoder | None:  # noqa: ANN401 (any task)
    """The language model behind a task, where it is one."""
    decoder = getattr(task, "decoder", None)
    return decoder if isinstance(decoder, Decoder) else None
