"""request: image-classify. One label per image, with the probability of every label."""

from collections.abc import Sequence

import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, guarded, model_inputs
from evaluation.runner.labels import LabelMap
from evaluation.runner.loading import Loader
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.pictures import Pictures


class ImageClassification:
    unit = "images"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.loaded, self.was_loaded = loader.load(
            run.model_dir, transformers.AutoModelForImageClassification, run.dtype
        )
        self.labels = LabelMap.of(self.loaded, run.labels, several=run.options.get("multi_label") is True)
        self.pictures = Pictures(self.loaded, run)
        self.settings: dict[str, object] = self.pictures.settings

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        return self.pictures.lengths(rows)

    def budget(self) -> Budget:
        return self.pictures.budget()

    def prepare(self, indexes: list[int]) -> Batch:
        return {"pixel_values": self.pictures.batch(indexes)["pixel_values"]}

    def compute(self, batch: Batch) -> list[Result]:
        def forward() -> torch.Tensor:
            logits: torch.Tensor = self.loaded.model(**model_inputs(batch, self.loaded)).logits
            return self.labels.probabilities(logits)

        return self.labels.results(as_rows(guarded(forward)))
