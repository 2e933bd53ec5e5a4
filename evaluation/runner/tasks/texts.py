"""Texts to token ids, once and up front; what text classification and embeddings share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evaluation.runner.batching import PAD_TO, Budget
from evaluation.runner.computing import Batch, first_budget, padded
from evaluation.runner.failures import RunFailed
from evaluation.runner.loading import Loaded, encoded, load_tokenizer, longest_input
from evaluation.runner.spec import RunSpec

TOKENISE_AT_ONCE = 1000


@dataclass
class TokenisedTexts:
    """All texts of one run as token ids."""

    loaded: Loaded
    run: RunSpec
    own_limit: int | None = None  # the model's own maximum, where a file beside the tokenizer names one
    tokenizer: Any = None  # any tokenizer
    max_length: int = 0
    sequences: list[list[int]] = field(default_factory=list)
    types: list[list[int]] = field(default_factory=list)  # as long, or empty where the model has no use for them
    cut: int = 0  # texts longer than the model reads

    def __post_init__(self) -> None:
        self.tokenizer = load_tokenizer(self.loaded, self.loaded.snapshot.folder)
        self.tokenizer.truncation_side = self.run.truncation_side
        self.max_length = longest_input(self.loaded, self.tokenizer, [self.run.max_length, self.own_limit])

    @property
    def pad_id(self) -> int | None:
        """None when neither tokenizer nor configuration has a padding token: then only equal lengths share a batch."""
        own: int | None = self.tokenizer.pad_token_id
        other: int | None = self.loaded.config.pad_token_id
        return own if own is not None else other

    def budget(self) -> Budget:
        return first_budget(self.loaded, ram_gb=self.run.limits.get("ram_gb"), pads=self.pad_id is not None)

    def tokenise(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[int]:
        """Keeps the ids of every text, or of every pair of texts, and returns the lengths."""
        self.sequences, self.types, self.cut = [], [], 0
        typed = takes_types(self.loaded)
        for start in range(0, len(texts), TOKENISE_AT_ONCE):
            part = slice(start, start + TOKENISE_AT_ONCE)
            given = [list(texts[part])] if pairs is None else [list(texts[part]), list(pairs[part])]
            found = encoded(
                self.tokenizer, *given, truncation=True, max_length=self.max_length, return_attention_mask=False,
                return_token_type_ids=typed,
            )  # fmt: skip
            self.sequences.extend(found["input_ids"])
            if typed and "token_type_ids" in found:
                self.types.extend(found["token_type_ids"])
            self.cut += self._longer(given, found["input_ids"])
        if not all(self.sequences):
            raise RunFailed("unsupported", "The tokenizer makes no token at all of one of the texts.")
        return [len(sequence) for sequence in self.sequences]

    def _longer(self, given: list[list[str]], found: list[list[int]]) -> int:
        """How many were cut; only those that fill the model can have been."""
        full = [index for index, ids in enumerate(found) if len(ids) >= self.max_length]
        if not full:
            return 0
        long = ([column[index] for index in full] for column in given)
        whole = encoded(self.tokenizer, *long, return_attention_mask=False)
        return sum(len(ids) > self.max_length for ids in whole["input_ids"])

    def batch(self, indexes: list[int]) -> Batch:
        return padded(
            [self.sequences[index] for index in indexes],
            pad_id=self.pad_id or 0,
            pad_to=1 if self.pad_id is None else self._pad_to(indexes),
            left=self.tokenizer.padding_side == "left",
            pin=self.loaded.device.type == "cuda",
            types=[self.types[index] for index in indexes] if self.types else None,
            type_pad=self.tokenizer.pad_token_type_id or 0,
        )

    def _pad_to(self, indexes: list[int]) -> int:
        """Rounded lengths must not pass the last position of the model."""
        longest = max(len(self.sequences[index]) for index in indexes)
        return PAD_TO if -(-longest // PAD_TO) * PAD_TO <= self.max_length else 1


def takes_types(loaded: Loaded) -> bool:
    """Whether the model tells the first text of a pair from the second by types of tokens.

    GPT-2 would take them as well, but means something else. XLNet's models were trained with them, though its
    tokenizer does not hand them out any more.
    """
    return loaded.config.model_type == "xlnet" or (getattr(loaded.config, "type_vocab_size", 0) or 0) > 1
