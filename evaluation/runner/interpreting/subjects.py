"""One item made ready to be taken apart: what of it is varied, and into which parts the reader sees it divided."""

import base64
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch

from evaluation.runner.computing import Batch, model_inputs, on_device
from evaluation.runner.failures import unsupported
from evaluation.runner.labels import LabelMap
from evaluation.runner.loading import Loaded, encoded
from evaluation.runner.tasks.image_classification import ImageClassification
from evaluation.runner.tasks.text_classification import TextClassification
from evaluation.runner.tasks.texts import TokenisedTexts

Method = Literal["integrated-gradients", "occlusion"]
CELLS: dict[Method, int] = {"integrated-gradients": 16, "occlusion": 8}  # along each side of an image, at most
MOST_PARTS = 1024
SEEN = 64  # pixels along each side of the small picture that lies under the cells


class Subject(ABC):
    """An item between what it is (`point`) and nothing (`baseline`), both without a batch's dimension."""

    loaded: Loaded
    labels: LabelMap
    point: torch.Tensor
    baseline: torch.Tensor
    part_of: torch.Tensor  # which part each place belongs to, -1 for none; broadcasts against `point`
    parts: int
    kind: str  # of nothing: mask, pad or zero
    length: int  # in the unit of the task's budget
    pads: bool = True  # whether several can share a batch

    @abstractmethod
    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        """What the model makes of points (rows, …): (rows, outputs)."""

    @abstractmethod
    def described(self) -> dict[str, Any]:
        """Where the parts lie, as JSON."""

    def outputs(self, rows: torch.Tensor) -> torch.Tensor:
        """Logits by the labels of the benchmark, float32."""
        found = self.logits(rows).float()[:, list(self.labels.columns)]
        if not bool(torch.isfinite(found).all()):
            raise unsupported("The model answered with numbers that are not finite (NaN or infinity).")
        return found

    def without(self, hidden: Sequence[int]) -> torch.Tensor:
        """The item with some parts replaced by nothing."""
        chosen = torch.isin(self.part_of, torch.tensor(hidden, dtype=torch.long, device=self.part_of.device))
        return torch.where(chosen, self.baseline, self.point)

    def by_part(self, values: torch.Tensor) -> torch.Tensor:
        """Sums of values shaped as `point`, float64 on the CPU."""
        places = self.part_of.expand(values.shape).reshape(-1)
        kept = places >= 0
        sums = torch.zeros(self.parts, dtype=torch.float64)
        return sums.index_add_(0, places[kept].cpu(), values.double().reshape(-1)[kept].cpu())


class Text(Subject):
    """A text as embeddings, which have gradients, or as token ids, which every model takes."""

    def __init__(self, task: TextClassification, row: Any, method: Method, baseline: str) -> None:  # noqa: ANN401 (an InputRow)
        self.loaded, self.labels = task.loaded, task.labels
        task.lengths([row])
        self.batch = on_device(task.prepare([0]), self.loaded)
        ids = self.batch["input_ids"][0]
        self.spans, part_of = places_of(task.texts, row, ids.tolist())
        self.parts, self.length, self.pads = len(self.spans), len(ids), task.texts.pad_id is not None
        self.by_id = method == "occlusion"
        self.kind, token = nothing_of(task.texts, baseline, by_id=self.by_id)
        places = torch.tensor(part_of, device=ids.device)
        # What the tokenizer itself put around the text stays: it says nothing of the item.
        empty = torch.where(places >= 0, torch.full_like(ids, token if token is not None else 0), ids)
        if self.by_id:
            self.point, self.baseline, self.part_of = ids, empty, places
            return
        table = self.loaded.model.get_input_embeddings()
        with torch.no_grad():
            self.point, self.baseline = table(ids[None])[0], table(empty[None])[0]
        self.part_of = places[:, None]
        if token is None:
            self.baseline = torch.where(self.part_of >= 0, torch.zeros_like(self.point), self.point)

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        others: Batch = {name: value.expand(len(rows), -1) for name, value in self.batch.items() if name != "input_ids"}
        given = {"input_ids": rows} if self.by_id else {"inputs_embeds": rows}
        found: torch.Tensor = self.loaded.model(**given, **others).logits
        return found

    def described(self) -> dict[str, Any]:
        return {"spans": self.spans}


class Picture(Subject):
    """An image as the model gets it, divided into cells; nothing is zeros, in most models the colour in the middle."""

    kind = "zero"

    def __init__(self, task: ImageClassification, row: Any, method: Method, baseline: str) -> None:  # noqa: ANN401 (as `Text`)
        self.loaded, self.labels = task.loaded, task.labels
        self.length = task.lengths([row])[0]
        self.point = model_inputs(task.prepare([0]), self.loaded)["pixel_values"][0]
        if self.point.dim() != 3:
            raise unsupported("The model gets an image in several pieces, which are not taken apart here.")
        self.baseline = torch.zeros_like(self.point)
        most = CELLS[method]
        height, width = self.point.shape[-2:]
        self.rows, self.columns = min(most, height), min(most, width)
        down = torch.arange(height, device=self.point.device) * self.rows // height
        across = torch.arange(width, device=self.point.device) * self.columns // width
        self.part_of = (down[:, None] * self.columns + across[None, :])[None]
        self.parts = self.rows * self.columns

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.loaded.model(pixel_values=rows).logits
        return found

    def described(self) -> dict[str, Any]:
        return {"rows": self.rows, "columns": self.columns, "seen": base64.b64encode(self._seen()).decode()}

    def _seen(self) -> bytes:
        """The image as the model got it, small: RGB, row by row."""
        pixels = self.point.float()[:3].cpu()
        low, high = pixels.min(), pixels.max()
        scaled = (pixels - low) / (high - low) if high > low else torch.zeros_like(pixels)
        colours = scaled if len(scaled) == 3 else scaled[:1].expand(3, -1, -1)
        small = torch.nn.functional.interpolate(colours[None], size=(SEEN, SEEN), mode="area")[0]
        values: np.ndarray[Any, np.dtype[np.uint8]] = (small * 255).round().byte().permute(1, 2, 0).numpy()
        return values.tobytes()


SUBJECTS: dict[str, Any] = {"classify": Text, "image-classify": Picture}


def places_of(texts: TokenisedTexts, row: Any, ids: list[int]) -> tuple[list[list[int]], list[int]]:  # noqa: ANN401 (an InputRow)
    """Parts of a text, [which text, start, end] each, and the part of every token.

    Tokens that share characters, as those of one Chinese sign may, are one part.
    """
    if not getattr(texts.tokenizer, "is_fast", False):
        raise unsupported("The tokenizer does not say where in the text its tokens stand.")
    given = [[row.text], [row.pair]] if row.pair else [[row.text]]
    found = encoded(
        texts.tokenizer, *given, truncation=True, max_length=texts.max_length, return_offsets_mapping=True
    )  # fmt: skip
    sides, offsets = found.sequence_ids(0), found["offset_mapping"][0]
    if found["input_ids"][0] != ids[: len(sides)]:
        raise unsupported("The tokenizer makes other tokens of this text when asked where they stand.")
    spans: list[list[int]] = []
    part_of = [-1] * len(ids)
    for at, (side, (start, end)) in enumerate(zip(sides, offsets, strict=True)):
        if side is None or start >= end:
            continue
        last = spans[-1] if spans else None
        if last is not None and last[0] == side and start < last[2]:
            last[2] = max(last[2], end)
        else:
            spans.append([side, start, end])
        part_of[at] = len(spans) - 1
    if not 0 < len(spans) <= MOST_PARTS:
        raise unsupported(f"A text of {len(spans)} tokens is not taken apart here; 1 to {MOST_PARTS} are.")
    return spans, part_of


def nothing_of(texts: TokenisedTexts, asked: str, *, by_id: bool) -> tuple[str, int | None]:
    """What stands for no token: its kind and its id; None is zeros."""
    tokens = {"mask": texts.tokenizer.mask_token_id, "pad": texts.pad_id}
    chosen = [kind for kind in tokens if tokens[kind] is not None] if asked == "auto" else [asked]
    kind = chosen[0] if chosen else "zero"
    if kind == "zero" and not by_id:
        return kind, None
    token = tokens.get(kind)
    if token is None:
        raise unsupported("The tokenizer has no token that stands for nothing (a mask, or padding).")
    return kind, token
