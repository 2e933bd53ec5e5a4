"""request: token-classify. One label per word: that of its first token, in the window that shows most around it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, on_device
from evaluation.runner.failures import unsupported
from evaluation.runner.labels import LabelMap
from evaluation.runner.loading import Loader
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.windows import Encoding, Windows

OUTSIDE = "O"  # what a word is that the tokenizer makes nothing of


class TokenClassification:
    unit = "tokens"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.loaded, self.was_loaded = loader.load(
            run.model_dir, transformers.AutoModelForTokenClassification, run.dtype
        )
        self.labels = LabelMap.of(self.loaded, run.labels)
        self.windows = Windows(self.loaded, run, stride=int(run.preprocess.get("stride", 128)), words=True)
        self.windows.stride = min(self.windows.stride, self.windows.max_length // 4)
        self.words: list[tuple[str, ...]] = []
        self.settings: dict[str, object] = {"max_length": self.windows.max_length, "stride": self.windows.stride}

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        self.words = [row.words for row in rows]
        self.windows.tokenise([list(words) for words in self.words])
        places = [first_tokens(windows) for windows in self.windows.of]
        missing = sum(len(words) - len(found) for words, found in zip(self.words, places, strict=True))
        if missing and OUTSIDE not in self.labels.names:
            raise unsupported(f"The tokenizer makes no token at all of {missing} words, and no label stands for that.")
        self.settings |= {"inputs_in_windows": self.windows.several, "words_without_token": missing}
        return self.windows.lengths()

    def budget(self) -> Budget:
        return self.windows.budget

    def prepare(self, indexes: list[int]) -> Batch:
        return self.windows.batch_of(indexes)

    def compute(self, batch: Batch) -> list[Result]:
        def forward(part: Batch) -> Sequence[Any]:
            logits: torch.Tensor = self.loaded.model(**on_device(part, self.loaded)).logits
            return as_rows(logits)  # type: ignore[return-value]  # an array is a sequence of its rows

        return [{"labels": self._labels(index, scores)} for index, scores in self.windows.per_item(batch, forward)]

    def _labels(self, index: int, scores: Sequence["np.ndarray[Any, np.dtype[np.float32]]"]) -> list[str]:
        labels = [OUTSIDE] * len(self.words[index])
        for word, (number, token) in first_tokens(self.windows.of[index]).items():
            rows = scores[number]
            if rows.shape[1] != len(self.labels.names):
                raise unsupported(f"The model has {rows.shape[1]} outputs, but names {len(self.labels.names)} labels.")
            column = self.windows.columns(self.windows.of[index][number], len(rows))[token]
            labels[word] = self.labels.names[int(rows[column][list(self.labels.columns)].argmax())]
        return labels


def first_tokens(windows: Sequence[Encoding]) -> dict[int, tuple[int, int]]:
    """For each word the window and the place in it of its first token, with the most tokens on the nearer side."""
    found: dict[int, tuple[int, int, int]] = {}
    known: set[int] = set()
    for number, encoding in enumerate(windows):
        seen: set[int] = set()
        words = encoding.word_ids
        cut = next((word for word in words if word is not None), None)  # may have begun in the window before
        for token, word in enumerate(words):
            if word is None or word in seen:
                continue
            seen.add(word)
            if word == cut and word in known:
                continue
            around = min(token, len(words) - 1 - token)
            if word not in found or around > found[word][0]:
                found[word] = (around, number, token)
        known |= seen
    return {word: (number, token) for word, (_, number, token) in found.items()}
