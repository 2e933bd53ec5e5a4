"""request: mask. Every token of a text is hidden once and guessed from all the others (pseudo-likelihood).

Source: Salazar et al. 2020, Masked Language Model Scoring.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, as_rows, on_device
from evaluation.runner.failures import unsupported
from evaluation.runner.loading import Loaded, Loader
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.windows import Encoding, Windows, in_parts, is_pooler

NEAR = 5  # guesses that count as near


class Masks:
    unit = "tokens"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        self.loaded, self.was_loaded = loader.load(
            run.model_dir, transformers.AutoModelForMaskedLM, run.dtype, may_miss=is_pooler
        )
        # Windows do not overlap: every token is guessed once.
        self.windows = Windows(self.loaded, run)
        self.mask = self.windows.tokenizer.mask_token_id
        if self.mask is None:
            raise unsupported("The tokenizer has no token that hides another (mask_token).")
        self.head = head_of(self.loaded)
        self.settings: dict[str, object] = {"max_length": self.windows.max_length, "hidden_at_once": 1}

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        self.windows.tokenise([row.text for row in rows])
        self.settings["inputs_in_windows"] = self.windows.several
        if not all(any(_own(encoding) for encoding in windows) for windows in self.windows.of):
            raise unsupported("The tokenizer makes no token at all of one of the texts.")
        # Each token of a window costs a pass over the window.
        return [sum(len(_own(one)) * len(one.ids) for one in windows) for windows in self.windows.of]

    def budget(self) -> Budget:
        return self.windows.budget

    def prepare(self, indexes: list[int]) -> Batch:
        """The windows, and which token of which window is hidden; copies are made as they are computed.

        All at once they would fill memory: a text of n tokens has n copies of its windows.
        """
        owned = [(index, encoding) for index in indexes for encoding in self.windows.of[index]]
        batch = self.windows.batch([encoding for _, encoding in owned])
        width = batch["input_ids"].shape[1]
        hidden = [
            (index, row, self.windows.columns(encoding, width)[place])
            for row, (index, encoding) in enumerate(owned)
            for place in _own(encoding)
        ]
        return batch | {"hidden": torch.tensor(hidden)}

    def compute(self, batch: Batch) -> list[Result]:
        owners, rows, places = batch.pop("hidden").unbind(dim=1)

        def guess(part: Batch) -> list[tuple[float, float, float]]:
            return self._guess({name: tensor[part["rows"]] for name, tensor in batch.items()}, part["places"])

        width = batch["input_ids"].shape[1]
        found = in_parts({"rows": rows, "places": places}, width, self.windows.budget, self.loaded, guess)
        results: dict[int, Result] = {}
        for index, (nats, first, near) in zip(owners.tolist(), found, strict=True):
            total = results.setdefault(index, {"tokens": 0, "nats": 0.0, "first": 0, "near": 0})
            total["tokens"] += 1
            total["nats"] += nats
            total["first"] += int(first)
            total["near"] += int(near)
        return list(results.values())

    def _guess(self, copies: Batch, places: torch.Tensor) -> list[tuple[float, float, float]]:
        """(nats of surprise, guessed at once, among the near) for each copy, at its place."""
        moved, places = on_device(copies, self.loaded), places.to(self.loaded.device)
        rows = torch.arange(len(places), device=places.device)
        targets = moved["input_ids"][rows, places]
        moved["input_ids"][rows, places] = self.mask
        with at_places(self.head, places):
            logits: torch.Tensor = self.loaded.model(**moved).logits
        logits = logits[:, 0] if self.head is not None else logits[rows, places]
        scores = torch.log_softmax(logits.float(), dim=-1)
        own = scores[rows, targets]
        # A tie with the target counts against the model: constant answers recover nothing.
        better = (scores >= own[:, None]).sum(dim=-1) - 1
        columns = torch.stack([-own, (better < 1).float(), (better < NEAR).float()], dim=1)
        return [(float(row[0]), float(row[1]), float(row[2])) for row in as_rows(columns)]


def head_of(loaded: Loaded) -> "torch.nn.Module | None":
    """The first layer behind the encoder, where states can be dropped that nobody asks about; None when unsure."""
    base = getattr(loaded.model, loaded.model.base_model_prefix, None)
    behind = [
        child for child in loaded.model.children() if child is not base and next(child.parameters(), None) is not None
    ]
    known = loaded.config.model_type in {"bert", "roberta", "xlm-roberta", "distilbert", "camembert", "esm", "electra"}
    return behind[0] if known and base is not None and behind else None


def at_places(head: "torch.nn.Module | None", places: torch.Tensor) -> AbstractContextManager[Any]:
    """Within, `head` sees one state per row: (batch, length, width) becomes (batch, 1, width)."""
    if head is None:
        return nullcontext()

    def keep(_: torch.nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        states = given[0]
        return (states[torch.arange(len(states), device=states.device), places].unsqueeze(1), *given[1:])

    return _Removed(head.register_forward_pre_hook(keep).remove)


class _Removed(AbstractContextManager[None]):
    """Calls `remove` at the end."""

    def __init__(self, remove: Callable[[], None]) -> None:
        self.remove = remove

    def __exit__(self, *_: object) -> None:
        self.remove()


def _own(encoding: Encoding) -> list[int]:
    """The tokens of the text itself, without the model's frame around it."""
    return [place for place, special in enumerate(encoding.special_tokens_mask) if not special]
