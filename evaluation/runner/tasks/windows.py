"""Items longer than a model reads, as windows of tokens; what token classification, spans and masks share."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

from evaluation.runner.batching import PAD_TO, Budget, OutOfMemory
from evaluation.runner.computing import Batch, first_budget, free_memory, guarded, padded
from evaluation.runner.failures import RunFailed, unsupported
from evaluation.runner.loading import Loaded, encoded, load_tokenizer, longest_input
from evaluation.runner.spec import RunSpec
from evaluation.runner.tasks.texts import TOKENISE_AT_ONCE, takes_types

R = TypeVar("R")
Encoding = Any  # tokenizers.Encoding: ids, type_ids, offsets, word_ids, sequence_ids, special_tokens_mask


@dataclass
class Windows:
    """All items of one run as windows: each at most `max_length` tokens, overlapping by `stride`."""

    loaded: Loaded
    run: RunSpec
    stride: int = 0
    words: bool = False  # items are lists of words, not texts
    tokenizer: Any = None  # any fast tokenizer
    max_length: int = 0
    of: list[list[Encoding]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tokenizer = load_tokenizer(self.loaded, self.loaded.snapshot.folder, in_words=self.words)
        if not self.tokenizer.is_fast:
            raise unsupported("This task needs to know where each token stands, which only a tokenizer.json tells.")
        self.tokenizer.truncation_side = "right"
        self.max_length = longest_input(self.loaded, self.tokenizer, [self.run.max_length])
        self.typed = takes_types(self.loaded)
        self.pad_id = self.tokenizer.pad_token_id
        if self.pad_id is None:
            self.pad_id = self.loaded.config.pad_token_id
        # One for planning and computing: what memory teaches about a window holds for all.
        self.budget = first_budget(self.loaded, ram_gb=self.run.limits.get("ram_gb"), pads=self.pad_id is not None)

    @property
    def several(self) -> int:
        """How many items did not fit into one window."""
        return sum(len(windows) > 1 for windows in self.of)

    def tokenise(self, items: Sequence[Any], seconds: Sequence[str] | None = None, *, cut: str | bool = True) -> None:
        """Makes the windows of every item.

        Args:
            items: texts, or lists of words.
            seconds: the second text of each item.
            cut: which of two texts is spread over windows, "only_first" or "only_second".
        """
        self.of = []
        for start in range(0, len(items), TOKENISE_AT_ONCE):
            part = slice(start, start + TOKENISE_AT_ONCE)
            given = [list(items[part])] if seconds is None else [list(items[part]), list(seconds[part])]
            found = encoded(
                self.tokenizer, *given, truncation=cut, max_length=self.max_length, stride=self.stride,
                return_overflowing_tokens=True, return_offsets_mapping=True, is_split_into_words=self.words,
            )  # fmt: skip
            windows: list[list[Encoding]] = [[] for _ in given[0]]
            for encoding, owner in zip(found.encodings, found["overflow_to_sample_mapping"], strict=True):
                windows[owner].append(encoding)
            self.of.extend(windows)
        if not all(encoding.ids for windows in self.of for encoding in windows):
            raise RunFailed("unsupported", "The tokenizer makes no token at all of one of the texts.")

    def lengths(self) -> list[int]:
        """Tokens of all windows of each item."""
        return [sum(len(encoding.ids) for encoding in windows) for windows in self.of]

    def batch(self, encodings: Sequence[Encoding]) -> Batch:
        """These windows padded to one width."""
        sequences = [encoding.ids for encoding in encodings]
        longest = max(len(sequence) for sequence in sequences)
        fits = -(-longest // PAD_TO) * PAD_TO <= self.max_length
        return padded(
            sequences,
            pad_id=self.pad_id or 0,
            pad_to=PAD_TO if fits and self.pad_id is not None else 1,
            left=self.left,
            pin=self.loaded.device.type == "cuda",
            types=[encoding.type_ids for encoding in encodings] if self.typed else None,
            type_pad=self.tokenizer.pad_token_type_id or 0,
        )

    def batch_of(self, indexes: list[int]) -> Batch:
        """All windows of these items; `per_item` takes them apart again."""
        batch = self.batch([encoding for index in indexes for encoding in self.of[index]])
        return batch | {"items": torch.tensor(indexes)}

    def per_item(self, batch: Batch, forward: Callable[[Batch], Sequence[R]]) -> Iterator[tuple[int, list[R]]]:
        """Each item of a batch with one result per window. Raises OutOfMemory: not even a single window fits."""
        indexes = [int(index) for index in batch.pop("items")]
        results = iter(in_parts(batch, batch["input_ids"].shape[1], self.budget, self.loaded, forward))
        for index in indexes:
            yield index, [next(results) for _ in self.of[index]]

    @property
    def left(self) -> bool:
        return bool(self.tokenizer.padding_side == "left")

    def columns(self, encoding: Encoding, width: int) -> range:
        """Where the tokens of a window stand in a batch of this width."""
        start = width - len(encoding.ids) if self.left else 0
        return range(start, start + len(encoding.ids))


def in_parts(
    batch: Batch, width: int, budget: Budget, loaded: Loaded, forward: Callable[[Batch], Sequence[R]]
) -> list[R]:
    """One result per row, computed in parts that the budget allows; smaller ones where memory runs out.

    Args:
        width: tokens that the model reads for one row.

    Raises:
        OutOfMemory: not even a single row fits.
    """
    total = len(next(iter(batch.values())))
    results: list[R] = []
    while len(results) < total:
        size = min(budget.items, max(1, budget.tokens // width), total - len(results))
        part = {name: tensor[len(results) : len(results) + size] for name, tensor in batch.items()}
        try:
            results.extend(guarded(lambda part=part: forward(part)))  # type: ignore[misc]  # bound now, called now
        except OutOfMemory:
            if size == 1:
                raise
            free_memory(loaded)
            budget.halve()
    return results


def is_pooler(name: str) -> bool:
    """Pooled states are not used for windows, and checkpoints with and without them exist."""
    return ".pooler." in name
