"""request: rolling. How likely a whole text is, in windows that predict each token once."""

import math
from collections.abc import Iterator, Sequence

import torch

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch
from evaluation.runner.loading import Loader
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.continuations import Answer, ContinuationScorer, Unit
from evaluation.runner.tasks.decoder import Decoder


class Rolling:
    unit = "tokens"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.decoder = Decoder.load(run, loader)
        self.loaded, self.was_loaded = self.decoder.loaded, self.decoder.was_loaded
        self.scorer = ContinuationScorer(self.loaded, self.decoder.max_length, ram_gb=run.limits.get("ram_gb"))
        self.windows: list[list[Unit]] = []
        self.settings: dict[str, object] = {"max_length": self.decoder.max_length}

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        ids = self.decoder.encode([row.text for row in rows])
        self.windows = [list(windows(ids[row.text], self.decoder.prefix_id, self.decoder.max_length)) for row in rows]
        return [self.scorer.length(units) for units in self.windows]

    def budget(self) -> Budget:
        return self.scorer.budget

    def prepare(self, indexes: list[int]) -> Batch:
        return {"items": torch.tensor(indexes)}

    def compute(self, batch: Batch) -> list[Result]:
        # A text may have more windows than fit into one pass, so the scorer divides them once more.
        indexes = batch["items"].tolist()
        answers = iter(self.scorer.answers([unit for index in indexes for unit in self.windows[index]]))
        return [self._result(self.windows[index], [next(answers) for _ in self.windows[index]]) for index in indexes]

    def _result(self, units: list[Unit], answers: list[Answer]) -> Result:
        return {
            "logprob": float(f"{math.fsum(answer.logprob for answer in answers):.12g}"),
            "tokens": sum(len(unit.follow[0]) for unit in units),
        }


def windows(ids: Sequence[int], prefix: int, longest: int) -> Iterator[Unit]:
    """Parts that predict each token once, each with as much before it as the model sees.

    Source: lm_eval 0.4.13, utils.get_rolling_token_windows with context_len=1 and make_disjoint_window.
    """
    if not ids:
        return
    yield Unit((prefix,), (tuple(ids[:longest]),))
    for start in range(longest, len(ids), longest):
        end = min(start + longest, len(ids))
        # The last part is short: all the room it leaves is filled with what came before.
        yield Unit(tuple(ids[end - longest - 1 : start]), (tuple(ids[start:end]),))
