"""request: image-text-embed. One vector per image or text, in one space."""

from collections.abc import Sequence

import torch

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, guarded
from evaluation.runner.loading import Loader
from evaluation.runner.outputs import Form, Result, pack
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.dual_encoder import DualEncoder
from evaluation.runner.tasks.pictures import IMAGES_PER_BATCH

TEXT = 1  # the length of a text; images have larger ones, so that no batch mixes the two


class ImageTextEmbeddings:
    unit = "items"
    form: Form = "table"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.encoder = DualEncoder.load(run, loader)
        self.loaded, self.was_loaded = self.encoder.loaded, self.encoder.was_loaded
        self.rows: Sequence[InputRow] = ()
        self.settings: dict[str, object] = self.encoder.settings

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        self.rows = rows
        images = [index for index, row in enumerate(rows) if row.image]
        shapes = self.encoder.pictures.lengths([rows[index] for index in images])
        lengths = [TEXT] * len(rows)
        for index, shape in zip(images, shapes, strict=True):
            lengths[index] = TEXT + shape
        # The pictures count only images, and are asked by the numbers of all rows.
        self.encoder.pictures.names = [row.image for row in rows]
        return lengths

    def budget(self) -> Budget:
        budget = self.encoder.pictures.budget()
        most = IMAGES_PER_BATCH.get(self.loaded.device.type, 32)
        return Budget(tokens=max(budget.tokens, (TEXT + 1) * most), items=most, pad_to=1, same_length=True)

    def prepare(self, indexes: list[int]) -> Batch:
        if self.rows[indexes[0]].image:
            return self.encoder.pictures.batch(indexes)
        return self.encoder.tokens([self.rows[index].text for index in indexes])

    def compute(self, batch: Batch) -> list[Result]:
        def forward() -> torch.Tensor:
            return self.encoder.text_vectors(batch) if "input_ids" in batch else self.encoder.image_vectors(batch)

        return [{"embedding": pack(row)} for row in as_rows(guarded(forward))]
