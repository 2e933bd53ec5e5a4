"""request: features. What a frozen model makes of an item, before any head; judged elsewhere, with labels."""

from collections.abc import Sequence
from typing import Any

import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, guarded, model_inputs
from evaluation.runner.failures import unsupported
from evaluation.runner.loading import Loader
from evaluation.runner.outputs import Form, Result, pack
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.pictures import Pictures
from evaluation.runner.tasks.recordings import Recordings
from evaluation.runner.tasks.texts import TokenisedTexts


class Features:
    unit = "items"
    form: Form = "table"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.run = run
        self.loaded, self.was_loaded = loader.load(
            run.model_dir, transformers.AutoModel, run.dtype, may_miss=lambda name: "pooler" in name
        )
        self.source: Any = None  # of images, sounds or texts; known when the items are
        self.settings: dict[str, object] = {"layer": "last"}

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        """By the kind of the first item; items of a benchmark are all of one kind."""
        if rows[0].image:
            self.source = Pictures(self.loaded, self.run)
            found = self.source.lengths(rows)
        elif rows[0].audio:
            self.source = Recordings(self.loaded, self.run)
            found = self.source.lengths(rows)
        else:
            self.source = TokenisedTexts(self.loaded, self.run)
            found = self.source.tokenise([row.text for row in rows])
        self.settings |= {"pooling": self._pooling()} | getattr(self.source, "settings", {})
        return list(found)

    def budget(self) -> Budget:
        budget: Budget = self.source.budget()
        return budget

    def prepare(self, indexes: list[int]) -> Batch:
        batch: Batch = self.source.batch(indexes)
        return batch

    def compute(self, batch: Batch) -> list[Result]:
        rows = as_rows(guarded(lambda: self._pooled(model_inputs(batch, self.loaded))))
        return [{"embedding": pack(row)} for row in rows]

    def _pooling(self) -> str:
        if not isinstance(self.source, Pictures):
            return "mean"
        if hasattr(self.loaded.model, "get_image_features"):
            return "the model's own image features"
        token = getattr(getattr(self.loaded.model, "embeddings", None), "cls_token", None)
        return "first token" if token is not None else "mean"

    def _pooled(self, inputs: Batch) -> torch.Tensor:
        if self.settings["pooling"] == "the model's own image features":
            found: Any = self.loaded.model.get_image_features(**inputs)
            own: torch.Tensor = found if isinstance(found, torch.Tensor) else found.pooler_output
            return own
        states: torch.Tensor = self.loaded.model(**inputs).last_hidden_state.float()
        if states.ndim == 4:  # convolutions: (items, width, height, width of the map)
            return states.mean(dim=(2, 3))
        if states.ndim != 3:
            raise unsupported("The last layer of the model has no shape that could be pooled.")
        if self.settings["pooling"] == "first token":
            return states[:, 0]
        if not isinstance(self.source, TokenisedTexts):
            return states.mean(dim=1)
        weight = inputs["attention_mask"].unsqueeze(-1).float()
        return (states * weight).sum(dim=1) / weight.sum(dim=1)
