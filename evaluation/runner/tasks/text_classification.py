"""request: classify. One label per text, with the probability of every label."""

from collections.abc import Sequence

import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, guarded, on_device
from evaluation.runner.labels import LabelMap
from evaluation.runner.loading import Loader
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.texts import TokenisedTexts


class TextClassification:
    unit = "tokens"
    form: Form = "lines"
    may_run_at_once = True

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.loaded, self.was_loaded = loader.load(
            run.model_dir, transformers.AutoModelForSequenceClassification, run.dtype
        )
        self.labels = LabelMap.of(self.loaded, run.labels, several=run.options.get("multi_label") is True)
        self.texts = TokenisedTexts(self.loaded, run)
        self.settings: dict[str, object] = {"max_length": self.texts.max_length}

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        pairs = [row.pair for row in rows]
        lengths = self.texts.tokenise([row.text for row in rows], pairs if any(pairs) else None)
        self.settings["inputs_cut"] = self.texts.cut
        return lengths

    def budget(self) -> Budget:
        return self.texts.budget()

    def prepare(self, indexes: list[int]) -> Batch:
        return self.texts.batch(indexes)

    def compute(self, batch: Batch) -> list[Result]:
        def forward() -> torch.Tensor:
            logits: torch.Tensor = self.loaded.model(**on_device(batch, self.loaded)).logits
            return self.labels.probabilities(logits)

        return self.labels.results(as_rows(guarded(forward)))
