"""Log-probabilities of continuations of a context, the context computed once for all of them (notes 4.7).

A *unit* is one context with all that may follow it. One pass goes over the contexts; where continuations are longer
than one token, a second short pass goes over all of them side by side, each seeing the context's keys and values and
itself. Whether a model computes the same that way is tried when it is loaded: where it does not, every continuation
has a pass of its own.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from evaluation.runner.batching import PAD_TO, BatchRunner, plan
from evaluation.runner.computing import Batch, first_budget, free_memory, guarded, on_device
from evaluation.runner.failures import RunFailed, unsupported
from evaluation.runner.loading import Loaded

HEAD_BYTES = {"cpu": 512 * 2**20, "cuda": 6 * 2**30}  # for the logits of one batch
PROBE_TOKENS = 8  # the longest text of the trial
TOLERANCE, HALF_TOLERANCE = 1e-3, 5e-2  # absolute and relative, in single and in half precision


@dataclass(frozen=True)
class Unit:
    """Token ids: one context and what may follow it. Never longer together than the model sees."""

    context: tuple[int, ...]
    follow: tuple[tuple[int, ...], ...]

    @property
    def tokens(self) -> int:
        """Tokens the model has to read."""
        return len(self.context) + sum(len(ids) - 1 for ids in self.follow)

    @property
    def scored(self) -> int:
        """Positions at which the output head is needed."""
        return 1 + sum(len(ids) - 1 for ids in self.follow)

    def apart(self) -> "list[Unit]":
        return [Unit(self.context, (ids,)) for ids in self.follow]


@dataclass(frozen=True)
class Answer:
    """What the model thinks of one continuation."""

    logprob: float  # nats
    greedy: bool  # whether it would have written exactly this


class ContinuationScorer:
    """Computes units in batches."""

    def __init__(self, loaded: Loaded, max_length: int, *, ram_gb: float | None = None) -> None:
        self.loaded = loaded
        self.max_length = max_length
        self.window: int | None = getattr(loaded.config.get_text_config(), "sliding_window", None)
        self.budget = first_budget(loaded, ram_gb=ram_gb)
        vocabulary = int(loaded.model.get_output_embeddings().weight.shape[0])
        # Logits in the model's precision, in single precision, and once more for their exponentials.
        self.head_tokens = max(HEAD_BYTES.get(loaded.device.type, 2**29) // (12 * vocabulary), 64)
        self.shares = False  # until tried
        self.shares = self._probe()

    def length(self, units: Sequence[Unit]) -> int:
        """What the units take of the budget: tokens, or the logits where these need more memory."""
        scored = sum(unit.scored for unit in units)
        return max(sum(unit.tokens for unit in units), -(-scored * self.budget.tokens // self.head_tokens))

    def prepare(self, units: Sequence[Unit]) -> Batch:
        """Padded tensors of both passes, and which prediction belongs to which continuation."""
        if not self._may_share(units):
            units = [part for unit in units for part in unit.apart()]
        batch = _tensors(units, self._width)
        if self.loaded.device.type != "cuda":
            return batch
        return {name: tensor.pin_memory() for name, tensor in batch.items()}

    def compute(self, batch: Batch) -> list[Answer]:
        """One answer for each continuation, in the order of the units. Raises OutOfMemory, RunFailed."""
        sums, greedy = guarded(lambda: self._passes(on_device(batch, self.loaded)))
        pairs = zip(_finite(sums), greedy.cpu().numpy(), strict=True)
        return [Answer(logprob=float(logprob), greedy=bool(own)) for logprob, own in pairs]

    def answers(self, units: Sequence[Unit]) -> list[Answer]:
        """Answers to units of one continuation each, in as many passes as the budget asks for.

        Raises:
            RunFailed: does_not_fit, when a single unit does not.
        """
        lengths = [self.length([unit]) for unit in units]
        driver: BatchRunner[Batch, Answer] = BatchRunner(
            lengths=lengths,
            budget=self.budget,
            prepare=lambda indexes: self.prepare([units[index] for index in indexes]),
            compute=self.compute,
            recover=lambda: free_memory(self.loaded),
        )
        found: dict[int, Answer] = {}
        for indexes, results in driver.run(plan(lengths, self.budget)):
            found.update(zip(indexes, results, strict=True))
        return [found[index] for index in range(len(units))]

    def _width(self, longest: int) -> int:
        """Rounded up, but never past the model's last position."""
        rounded = -(-longest // PAD_TO) * PAD_TO
        return rounded if rounded <= self.max_length else longest

    def _may_share(self, units: Sequence[Unit]) -> bool:
        """Layers with a window forget the oldest keys; what fits into the window is not touched by that."""
        if not self.shares:
            return False
        longest = max(len(unit.context) for unit in units) + max(unit.tokens - len(unit.context) for unit in units)
        return self.window is None or longest + PAD_TO < self.window

    def _passes(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Sums of log-probabilities (float64) and whether every token was the likeliest, per continuation."""
        sums = torch.zeros_like(batch["sums"])
        misses = torch.zeros_like(sums, dtype=torch.int64)
        branching = "branch_ids" in batch
        found = self._forward(
            batch["rows"], batch["columns"], input_ids=batch["input_ids"], use_cache=branching
        )  # attention is causal, and what pads the end comes later than all that is scored
        _judge(found.logits, batch, "", sums, misses)
        if branching:
            more = self._forward(
                batch["branch_rows"],
                batch["branch_columns"],
                input_ids=batch["branch_ids"],
                position_ids=batch["branch_positions"],
                attention_mask=_branch_mask(batch, self.loaded.dtype),
                past_key_values=found.past_key_values,
                use_cache=True,
            )
            _judge(more.logits, batch, "branch_", sums, misses)
        return sums, misses == 0

    def _forward(self, rows: torch.Tensor, columns: torch.Tensor, **inputs: Any) -> Any:  # noqa: ANN401 (of any architecture)
        """The model's outputs with logits (positions, vocabulary) at the chosen places alone."""

        def choose(module: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            return (arguments[0][rows, columns].unsqueeze(0), *arguments[1:])

        # What a model does to its logits behind the head, such as capping them, stays its own business.
        hook = self.loaded.model.get_output_embeddings().register_forward_pre_hook(choose)
        try:
            found = self.loaded.model(**inputs)
        finally:
            hook.remove()
        logits = found.logits
        chosen = logits.shape[:2] == (1, len(rows))
        found.logits = logits[0] if chosen else logits[rows, columns]
        return found

    def _probe(self) -> bool:
        """Whether the shared way gives what separate passes give.

        Raises:
            RunFailed: unsupported, when earlier tokens depend on later ones.
        """
        if self.max_length < PROBE_TOKENS:
            return False
        generator = np.random.default_rng(0)
        rows = int(self.loaded.model.get_input_embeddings().weight.shape[0])
        ids = [tuple(int(token) for token in generator.integers(0, rows, size=size)) for size in (3, 5, 2, 3, 1)]
        self._refuse_foresight(context=ids[1], token=ids[4], tail=ids[3])
        if "position_ids" not in inspect.signature(self.loaded.model.forward).parameters:
            return False
        units = [Unit(ids[0], (ids[2], ids[3])), Unit(ids[1], (ids[3], ids[4], ids[2]))]
        apart = self._values(units)
        self.shares = True
        try:
            together = self._values(units)
        except RunFailed:
            return False  # its cache or its masks are of another kind
        return self._alike(together, apart)

    def _refuse_foresight(self, *, context: tuple[int, ...], token: tuple[int, ...], tail: tuple[int, ...]) -> None:
        """The chance of a token must be the same whatever comes after it."""
        whole, first, rest = self._values(
            [Unit(context, (token + tail,)), Unit(context, (token,)), Unit(context + token, (tail,))]
        )
        if not self._alike([whole], [first + rest]):
            raise unsupported(
                "The model looks at later tokens when it predicts earlier ones; it is not a causal language model."
            )

    def _values(self, units: list[Unit]) -> list[float]:
        return [answer.logprob for answer in self.compute(self.prepare(units))]

    def _alike(self, left: list[float], right: list[float]) -> bool:
        allowed = TOLERANCE if self.loaded.dtype == torch.float32 else HALF_TOLERANCE
        return bool(np.allclose(left, right, rtol=allowed, atol=allowed))


def _finite(sums: torch.Tensor) -> "np.ndarray[Any, np.dtype[np.float64]]":
    numbers: np.ndarray[Any, np.dtype[np.float64]] = sums.cpu().numpy()
    if not np.isfinite(numbers).all():
        raise RunFailed("bad_output", "The model answered with numbers that are not finite (NaN or infinity).")
    return numbers


def _judge(logits: torch.Tensor, batch: Batch, prefix: str, sums: torch.Tensor, misses: torch.Tensor) -> None:
    """Adds what the logits at each place say about the tokens that follow there."""
    values = logits.float()
    at, target, slot = (batch[f"{prefix}{name}"] for name in ("at", "target", "slot"))
    chances = values[at, target] - values.logsumexp(dim=-1)[at]
    sums.index_add_(0, slot, chances.double())
    misses.index_add_(0, slot, (values.argmax(dim=-1)[at] != target).long())


def _branch_mask(batch: Batch, dtype: torch.dtype) -> torch.Tensor:
    """(batch, 1, new, old + new): each new token sees the context of its row, and its own branch up to itself."""
    branches = batch["branches"]
    rows, new = branches.shape
    old = torch.arange(batch["input_ids"].shape[1], device=branches.device)
    context = (old[None, :] < batch["context_lengths"][:, None])[:, None, :].expand(rows, new, -1)
    order = torch.arange(new, device=branches.device)
    own = (branches[:, :, None] == branches[:, None, :]) & (order[:, None] >= order[None, :])
    seen = torch.cat([context, own], dim=-1)[:, None]
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill(~seen, torch.finfo(dtype).min)


@dataclass
class _Predictions:
    """Places whose logits are needed, and which tokens they are asked about."""

    rows: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)  # index of a place
    target: list[int] = field(default_factory=list)  # the token asked about
    slot: list[int] = field(default_factory=list)  # the continuation it belongs to

    def place(self, row: int, column: int) -> int:
        self.rows.append(row)
        self.columns.append(column)
        return len(self.rows) - 1

    def ask(self, place: int, token: int, slot: int) -> None:
        self.at.append(place)
        self.target.append(token)
        self.slot.append(slot)

    def tensors(self, prefix: str) -> Batch:
        return {f"{prefix}{name}": torch.tensor(values, dtype=torch.int64) for name, values in vars(self).items()}


def _tensors(units: Sequence[Unit], width_of: Callable[[int], int]) -> Batch:
    """Both passes as padded tensors, and which prediction belongs to which continuation."""
    texts: list[tuple[int, ...]] = []
    branches: list[list[tuple[int, tuple[int, ...]]]] = []  # per row: (slot, continuation)
    asked, slots = _Predictions(), 0
    for row, unit in enumerate(units):
        last = len(unit.context) - 1
        if len(unit.follow) == 1:
            (ids,) = unit.follow
            texts.append(unit.context + ids[:-1])
            for step, token in enumerate(ids):
                asked.ask(asked.place(row, last + step), token, slots)
        else:
            texts.append(unit.context)
            place = asked.place(row, last)
            for number, ids in enumerate(unit.follow):
                asked.ask(place, ids[0], slots + number)
        shared = len(unit.follow) > 1
        branches.append([(slots + n, ids) for n, ids in enumerate(unit.follow) if shared and len(ids) > 1])
        slots += len(unit.follow)
    batch = {
        "input_ids": _padded(texts, width_of(max(map(len, texts)))),
        "sums": torch.zeros(slots, dtype=torch.float64),
        **asked.tensors(""),
    }
    return batch | _branch_tensors(units, branches) if any(branches) else batch


def _branch_tensors(units: Sequence[Unit], branches: Sequence[list[tuple[int, tuple[int, ...]]]]) -> Batch:
    """The second pass: continuations but for their last tokens, those of one context side by side."""
    asked = _Predictions()
    ids: list[list[int]] = []
    positions: list[list[int]] = []
    numbers: list[list[int]] = []
    for row, (unit, own) in enumerate(zip(units, branches, strict=True)):
        ids.append([token for _, follow in own for token in follow[:-1]])
        positions.append([len(unit.context) + step for _, follow in own for step in range(len(follow) - 1)])
        numbers.append([slot for slot, follow in own for _ in follow[:-1]])
        column = 0
        for slot, follow in own:
            for token in follow[1:]:
                asked.ask(asked.place(row, column), token, slot)
                column += 1
    width = max(map(len, ids))
    # What pads a row is a branch of its own, so that it sees itself and nobody sees it.
    filled = [row + [-1 - step for step in range(width - len(row))] for row in numbers]
    return {
        "branch_ids": _padded(ids, width),
        "branch_positions": _padded(positions, width),
        "branches": torch.tensor(filled, dtype=torch.int64),
        "context_lengths": torch.tensor([len(unit.context) for unit in units], dtype=torch.int64),
        **asked.tensors("branch_"),
    }


def _padded(rows: Sequence[Sequence[int]], width: int) -> torch.Tensor:
    table = np.zeros((len(rows), width), dtype=np.int64)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return torch.from_numpy(table)
