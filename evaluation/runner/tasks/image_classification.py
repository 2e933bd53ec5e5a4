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

IMAGES_ON_CPU = 4  # activations of more leave the cache, and the last batches keep all cores busy


class ImageClassification:
    unit = "images"
    form: Form = "lines"
    may_run_at_once = True

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.loaded, self.was_loaded = loader.load(
            run.model_dir, transformers.AutoModelForImageClassification, run.dtype
        )
        self.labels = LabelMap.of(self.loaded, run.labels, several=run.options.get("multi_label") is True)
        self.pictures = Pictures(self.loaded, run)
        self.settings: dict[str, object] = self.pictures.settings
        self.layout = torch.contiguous_format
        if self.loaded.device.type == "cpu":
            # Convolutions are a sixth faster there where the colours of a pixel lie together; the numbers are the same.
            self.layout = torch.channels_last
            for module in self.loaded.model.modules():
                if isinstance(module, torch.nn.Conv2d):
                    module.to(memory_format=self.layout)  # type: ignore[call-overload]  # torch names it for tensors only

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        return self.pictures.lengths(rows)

    def budget(self) -> Budget:
        return self.pictures.budget(on_cpu=IMAGES_ON_CPU)

    def prepare(self, indexes: list[int]) -> Batch:
        pixels = self.pictures.batch(indexes)["pixel_values"]
        return {"pixel_values": pixels.contiguous(memory_format=self.layout) if pixels.ndim == 4 else pixels}

    def compute(self, batch: Batch) -> list[Result]:
        def forward() -> torch.Tensor:
            logits: torch.Tensor = self.loaded.model(**model_inputs(batch, self.loaded)).logits
            return self.labels.probabilities(logits)

        return self.labels.results(as_rows(guarded(forward)))
