"""request: segment. The label of every pixel, in the size of the image as it came."""

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, guarded, model_inputs
from evaluation.runner.labels import LabelMap
from evaluation.runner.loading import Loader, family_of
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.pictures import Pictures

FAMILIES = (transformers.AutoModelForSemanticSegmentation, transformers.AutoModelForUniversalSegmentation)


class Segmentation:
    unit = "pixels"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.loaded, self.was_loaded = loader.load(run.model_dir, family_of(run.model_dir, FAMILIES), run.dtype)
        labels = LabelMap.of(self.loaded, run.labels)
        # The model's number of a label → the benchmark's.
        self.numbers = np.argsort(labels.columns).astype(np.uint16)
        self.pictures = Pictures(self.loaded, run)
        self.settings: dict[str, object] = self.pictures.settings

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        return self.pictures.lengths(rows)

    def budget(self) -> Budget:
        return self.pictures.budget()

    def prepare(self, indexes: list[int]) -> Batch:
        return self.pictures.batch(indexes) | {"target_sizes": self.pictures.target_sizes(indexes)}

    def compute(self, batch: Batch) -> list[Result]:
        sizes = [(height, width) for height, width in batch.pop("target_sizes").tolist()]
        return [self._result(one) for one in guarded(lambda: self._maps(batch, sizes))]

    def _maps(self, batch: Batch, sizes: list[tuple[int, int]]) -> list[torch.Tensor]:
        outputs = self.loaded.model(**model_inputs(batch, self.loaded))
        for name in ("logits", "class_queries_logits", "masks_queries_logits"):
            if (values := getattr(outputs, name, None)) is not None:
                as_rows(values)
                outputs[name] = values.float()
        found: list[torch.Tensor] = self.pictures.processor.post_process_semantic_segmentation(
            outputs, target_sizes=sizes
        )
        return [one.cpu() for one in found]

    def _result(self, found: torch.Tensor) -> Result:
        return {"size": [found.shape[1], found.shape[0]], "map": pack_map(self.numbers[found.numpy()])}


def pack_map(numbers: "np.ndarray[Any, np.dtype[np.uint16]]") -> str:
    """Numbers of labels, row by row, as compressed text: two bytes each, little endian."""
    return base64.b64encode(zlib.compress(numbers.astype("<u2").tobytes(), 6)).decode()
