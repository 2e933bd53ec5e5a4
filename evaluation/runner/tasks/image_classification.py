"""request: image-classify. One label per image, with the probability of every label."""

from collections.abc import Sequence

import numpy as np
import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, guarded, on_device
from evaluation.runner.failures import RunFailed
from evaluation.runner.labels import LabelMap
from evaluation.runner.loading import Loader, load_image_processor
from evaluation.runner.media import Media
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec

IMAGES_PER_BATCH = {"cpu": 32, "cuda": 256}
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


class ImageClassification:
    unit = "images"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.loaded, self.was_loaded = loader.load(
            run.model_dir, transformers.AutoModelForImageClassification, run.dtype
        )
        self.labels = LabelMap.of(self.loaded, run.labels, several=run.options.get("multi_label") is True)
        self.processor = load_image_processor(run.model_dir)
        self.mode = MODES.get(getattr(self.loaded.config, "num_channels", 3), "RGB")
        self.media = Media(run.inputs.parent)
        self.names: list[str] = []
        self.settings: dict[str, object] = {"mode": self.mode, "processor": type(self.processor).__name__}

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        # The processor brings all images to one shape, so each counts one.
        self.names = [row.image for row in rows]
        return [1] * len(rows)

    def budget(self) -> Budget:
        images = IMAGES_PER_BATCH.get(self.loaded.device.type, 32)
        return Budget(tokens=images, items=images, pad_to=1)

    def prepare(self, indexes: list[int]) -> Batch:
        pixels = [np.asarray(self.media.image(self.names[index], self.mode)) for index in indexes]
        channels_last = [array if array.ndim == 3 else array[:, :, None] for array in pixels]
        try:
            found = self.processor(channels_last, return_tensors="pt", input_data_format="channels_last")
        except (ValueError, TypeError, RuntimeError) as error:
            raise RunFailed("unsupported", f"The image processor failed: {str(error)[:300]}") from error
        values: torch.Tensor = found["pixel_values"]
        return {"pixel_values": values.pin_memory() if self.loaded.device.type == "cuda" else values}

    def compute(self, batch: Batch) -> list[Result]:
        def forward() -> torch.Tensor:
            pixels = on_device(batch, self.loaded)["pixel_values"].to(self.loaded.dtype)
            logits: torch.Tensor = self.loaded.model(pixel_values=pixels).logits
            return self.labels.probabilities(logits)

        return self.labels.results(as_rows(guarded(forward)))
