"""request: span. The part of a context that answers a question, out of the best of all windows; or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, on_device
from evaluation.runner.failures import unsupported
from evaluation.runner.loading import Loader, encoded
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.texts import TOKENISE_AT_ONCE
from evaluation.runner.tasks.windows import Encoding, Windows, is_pooler

BEST = 20  # starts and ends looked at in each window
LEAST_CONTEXT = 16  # tokens of the context that must fit beside a question


@dataclass(frozen=True)
class Candidate:
    score: float
    start: int  # characters of the context
    end: int


class Spans:
    unit = "tokens"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.loaded, self.was_loaded = loader.load(
            run.model_dir, transformers.AutoModelForQuestionAnswering, run.dtype, may_miss=is_pooler
        )
        self.longest_answer = int(run.preprocess.get("max_answer_tokens", 30))
        self.may_be_none = run.preprocess.get("unanswerable") is True
        self.windows = Windows(self.loaded, run, stride=int(run.preprocess.get("stride", 128)))
        self.windows.stride = min(self.windows.stride, self.windows.max_length // 3)
        self.contexts: list[str] = []
        self.settings: dict[str, object] = {
            "max_length": self.windows.max_length,
            "stride": self.windows.stride,
            "max_answer_tokens": self.longest_answer,
            "n_best": BEST,
            "null_threshold": 0 if self.may_be_none else None,
        }

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        self.contexts = [row.text for row in rows]
        questions = self._questions([row.pair for row in rows])
        # Models that pad on the left (XLNet) were trained with the context first.
        if self.windows.left:
            self.windows.tokenise(self.contexts, questions, cut="only_first")
        else:
            self.windows.tokenise(questions, self.contexts, cut="only_second")
        self.settings["inputs_in_windows"] = self.windows.several
        return self.windows.lengths()

    def _questions(self, questions: Sequence[str]) -> list[str]:
        """Without leading spaces, and no longer than what leaves room for context and stride; cut ones are counted."""
        tokenizer = self.windows.tokenizer
        cut, kept = 0, list[str]()
        room = self.windows.max_length - tokenizer.num_special_tokens_to_add(pair=True)
        longest = room - self.windows.stride - LEAST_CONTEXT
        if longest < 1:
            raise unsupported(
                f"The model reads {self.windows.max_length} tokens, too few for a question and a context."
            )
        for start in range(0, len(questions), TOKENISE_AT_ONCE):
            part = [question.lstrip() for question in questions[start : start + TOKENISE_AT_ONCE]]
            found = encoded(tokenizer, part, add_special_tokens=False, return_offsets_mapping=True)
            for question, offsets in zip(part, found["offset_mapping"], strict=True):
                cut += len(offsets) > longest
                kept.append(question[: offsets[longest - 1][1]] if len(offsets) > longest else question)
        self.settings["questions_cut"] = cut
        return kept

    def budget(self) -> Budget:
        return self.windows.budget

    def prepare(self, indexes: list[int]) -> Batch:
        return self.windows.batch_of(indexes)

    def compute(self, batch: Batch) -> list[Result]:
        def forward(part: Batch) -> Sequence[Any]:
            found = self.loaded.model(**on_device(part, self.loaded))
            return as_rows(torch.stack([found.start_logits, found.end_logits], dim=1))  # type: ignore[return-value]  # rows

        return [{"answer": self._answer(index, scores)} for index, scores in self.windows.per_item(batch, forward)]

    def _answer(self, index: int, scores: Sequence["np.ndarray[Any, np.dtype[np.float32]]"]) -> str:
        best: Candidate | None = None
        null = np.inf
        for encoding, (starts, ends) in zip(self.windows.of[index], scores, strict=True):
            columns = self.windows.columns(encoding, len(starts))
            own = slice(columns.start, columns.stop)
            null = min(null, self._null(encoding, starts[own], ends[own]))
            found = self._best(encoding, starts[own], ends[own])
            if found and (best is None or found.score > best.score):
                best = found
        if best is None or (self.may_be_none and null > best.score):
            return ""
        return self.contexts[index][best.start : best.end]

    def _null(self, encoding: Encoding, starts: Any, ends: Any) -> float:  # noqa: ANN401 (arrays)
        """The score of "no answer": the token that stands for the whole text is start and end."""
        whole = self.windows.tokenizer.cls_token_id
        place = encoding.ids.index(whole) if whole in encoding.ids else 0
        return float(starts[place]) + float(ends[place])

    def _best(self, encoding: Encoding, starts: Any, ends: Any) -> Candidate | None:  # noqa: ANN401 (arrays)
        """The likeliest span of the context that is not too long; the earliest of equals."""
        context = 0 if self.windows.left else 1
        inside = [
            index
            for index, (part, (start, end)) in enumerate(zip(encoding.sequence_ids, encoding.offsets, strict=True))
            if part == context and end > start
        ]
        likely_starts = _highest(starts, inside)
        likely_ends = _highest(ends, inside)
        pairs = [
            (float(starts[start]) + float(ends[end]), -start, -end)
            for start in likely_starts
            for end in likely_ends
            if start <= end < start + self.longest_answer
        ]
        if not pairs:
            return None
        score, start, end = max(pairs)
        return Candidate(score=score, start=encoding.offsets[-start][0], end=encoding.offsets[-end][1])


def _highest(scores: Any, among: Sequence[int]) -> list[int]:  # noqa: ANN401 (an array)
    return sorted(among, key=lambda index: (-float(scores[index]), index))[:BEST]
