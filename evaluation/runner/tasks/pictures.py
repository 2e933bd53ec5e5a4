"""Images of one run, made ready for a model; what all requests about images share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch
from evaluation.runner.failures import RunFailed
from evaluation.runner.loading import Loaded, load_image_processor
from evaluation.runner.media import Media
from evaluation.runner.spec import InputRow, RunSpec

IMAGES_PER_BATCH = {"cpu": 32, "cuda": 256}
PIXELS_PER_BATCH = {"cpu": 2_000_000, "cuda": 32_000_000}  # of images whose size reaches the model
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


@dataclass
class Pictures:
    """All images of one run, by name; decoded and processed batch by batch."""

    loaded: Loaded
    run: RunSpec
    processor: Any = None  # any image processor
    mode: str = "RGB"
    names: list[str] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)  # (width, height) of the files

    def __post_init__(self) -> None:
        self.processor = load_image_processor(self.loaded.snapshot.folder)
        config = getattr(self.loaded.config, "vision_config", self.loaded.config)
        self.mode = MODES.get(getattr(config, "num_channels", 3), "RGB")
        self.media = Media(self.run.inputs.parent)

    @property
    def settings(self) -> dict[str, object]:
        return {"mode": self.mode, "processor": type(self.processor).__name__}

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        """1 each where the processor brings all images to one shape; else one number per shape, near its pixels."""
        self.names = [row.image for row in rows]
        if gives_one_shape(self.processor):
            return [1] * len(rows)
        self.sizes = [self.media.image_size(name) for name in self.names]
        numbers = shape_numbers(self.sizes)
        return [numbers[size] for size in self.sizes]

    def budget(self, *, on_cpu: int = IMAGES_PER_BATCH["cpu"]) -> Budget:
        kind = self.loaded.device.type
        images = IMAGES_PER_BATCH.get(kind, 32) if kind != "cpu" else on_cpu
        if gives_one_shape(self.processor):
            return Budget(tokens=images, items=images, pad_to=1)
        return Budget(tokens=PIXELS_PER_BATCH.get(kind, 2_000_000), items=images, pad_to=1, same_length=True)

    def batch(self, indexes: list[int], **options: object) -> Batch:
        pixels = [np.asarray(self.media.image(self.names[index], self.mode)) for index in indexes]
        channels_last = [array if array.ndim == 3 else array[:, :, None] for array in pixels]
        try:
            found = self.processor(channels_last, return_tensors="pt", input_data_format="channels_last", **options)
        except (ValueError, TypeError, RuntimeError, KeyError, AttributeError) as error:
            raise RunFailed("unsupported", f"The image processor failed: {str(error)[:300]}") from error
        pin = self.loaded.device.type == "cuda"
        tensors = {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}
        return {name: value.pin_memory() if pin else value for name, value in tensors.items()}

    def target_sizes(self, indexes: list[int]) -> torch.Tensor:
        """(items, 2) heights and widths of the files, int64."""
        sizes = [self.media.image_size(self.names[index]) for index in indexes]
        return torch.tensor([[height, width] for width, height in sizes])


def gives_one_shape(processor: Any) -> bool:  # noqa: ANN401 (any image processor)
    """Whether images of every size leave the processor alike. Where it is unclear: no, which only costs speed."""
    if getattr(processor, "do_center_crop", False) or type(processor).__name__.startswith("ConvNext"):
        return True
    size = getattr(processor, "size", None) or {}
    fixed = all(size.get(side) for side in ("height", "width")) if hasattr(size, "get") else False
    return bool(getattr(processor, "do_resize", False) and fixed)


def shape_numbers(sizes: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A number for every shape, its pixels, and a few more where another shape has as many."""
    numbers: dict[tuple[int, int], int] = {}
    taken: set[int] = set()
    for size in dict.fromkeys(sizes):
        number = size[0] * size[1]
        while number in taken:
            number += 1
        taken.add(number)
        numbers[size] = number
    return numbers
