"""request: detect. Boxes with a label and a score each, in pixels of the image as it came."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, guarded, model_inputs
from evaluation.runner.labels import NamedOutputs
from evaluation.runner.loading import Loader
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.pictures import Pictures

MOST_BOXES = 300  # of one image, the surest; COCO's rules look at 100 of each class


class ObjectDetection:
    unit = "pixels"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.loaded, self.was_loaded = loader.load(run.model_dir, transformers.AutoModelForObjectDetection, run.dtype)
        self.labels = NamedOutputs.of(self.loaded, run.labels)
        self.pictures = Pictures(self.loaded, run)
        self.settings: dict[str, object] = self.pictures.settings | {"most_boxes": MOST_BOXES, "clipped": True}

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        return self.pictures.lengths(rows)

    def budget(self) -> Budget:
        return self.pictures.budget()

    def prepare(self, indexes: list[int]) -> Batch:
        return self.pictures.batch(indexes) | {"target_sizes": self.pictures.target_sizes(indexes)}

    def compute(self, batch: Batch) -> list[Result]:
        sizes = batch.pop("target_sizes")
        found = guarded(lambda: self._boxes(batch, sizes))
        return [self._result(one, size) for one, size in zip(found, sizes.tolist(), strict=True)]

    def _boxes(self, batch: Batch, sizes: torch.Tensor) -> list[dict[str, torch.Tensor]]:
        outputs = self.loaded.model(**model_inputs(batch, self.loaded))
        # A score that is no number would silently fall below the threshold.
        as_rows(outputs.logits)
        as_rows(outputs.pred_boxes)
        outputs.logits, outputs.pred_boxes = outputs.logits.float().cpu(), outputs.pred_boxes.float().cpu()
        found: list[dict[str, torch.Tensor]] = self.pictures.processor.post_process_object_detection(
            outputs, threshold=0.0, target_sizes=sizes
        )
        return found

    def _result(self, found: dict[str, Any], size: Sequence[int]) -> Result:
        scores, classes = found["scores"].numpy(), found["labels"].numpy()
        known = np.isin(classes, list(self.labels.names))
        order = np.argsort(-scores[known], kind="stable")[:MOST_BOXES]
        height, width = size
        boxes = np.clip(found["boxes"].numpy()[known][order], 0, [width, height, width, height])
        return {
            "boxes": [[round(float(side), 3) for side in box] for box in boxes],
            "scores": [float(f"{score:.9g}") for score in scores[known][order]],
            "labels": [self.labels.names[int(number)] for number in classes[known][order]],
        }
