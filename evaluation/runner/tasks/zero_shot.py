"""request: zero-shot. One label per image by the nearest of the texts that the benchmark writes around its labels."""

from collections.abc import Sequence

import torch

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, guarded
from evaluation.runner.failures import RunFailed
from evaluation.runner.labels import LabelMap
from evaluation.runner.loading import Loader
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.dual_encoder import DualEncoder


class ZeroShot:
    unit = "images"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.encoder = DualEncoder.load(run, loader)
        self.loaded, self.was_loaded = self.encoder.loaded, self.encoder.was_loaded
        templates = [line for line in str((run.options.get("prompt") or {}).get("template", "")).splitlines() if line]
        if not templates or not run.labels:
            raise RunFailed("data_unavailable", "The benchmark names no labels, or no template to write around them.")
        self.labels = LabelMap(names=run.labels, columns=tuple(range(len(run.labels))))
        self.classes = self.encoder.class_vectors(run.labels, templates)
        self.settings: dict[str, object] = self.encoder.settings | {"templates": len(templates)}

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        return self.encoder.pictures.lengths(rows)

    def budget(self) -> Budget:
        return self.encoder.pictures.budget()

    def prepare(self, indexes: list[int]) -> Batch:
        return self.encoder.pictures.batch(indexes)

    def compute(self, batch: Batch) -> list[Result]:
        def forward() -> torch.Tensor:
            return torch.softmax(self.encoder.likeness(self.encoder.image_vectors(batch), self.classes), dim=-1)

        return self.labels.results(as_rows(guarded(forward)))
