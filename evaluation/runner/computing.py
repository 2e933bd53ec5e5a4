"""One forward pass: onto the device, through the model, back as numbers; which errors mean what."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from evaluation.runner.batching import Budget, OutOfMemory
from evaluation.runner.failures import DeviceBroken, RunFailed
from evaluation.runner.loading import Loaded
from evaluation.runner.memory import is_lack_of_memory

Batch = dict[str, torch.Tensor]
R = TypeVar("R")

CPU_CACHE_BYTES = 6 * 2**20  # what a layer's widest activation may fill: beyond, a CPU waits for memory
CPU_TOKENS = (512, 4096)  # least and most; small models need large batches to outweigh Python
GPU_TOKENS = 262_144
MOST_WORKERS = 4  # batches computed at once on a CPU; each needs memory of its own
MAX_BATCH = {"cpu": 128, "cuda": 2048}


def first_budget(loaded: Loaded, *, ram_gb: float | None = None, pads: bool = True) -> Budget:
    """A first guess from the memory model; running out of memory corrects it.

    Args:
        pads: whether texts can be filled up to one length; without, each has a batch of its own.
    """
    config = loaded.config
    hidden = int(getattr(config, "hidden_size", 0) or 768)
    inner = int(getattr(config, "intermediate_size", 0) or 4 * hidden)
    per_token = 2 * loaded.dtype.itemsize * (10 * hidden + 2 * inner)
    if loaded.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(loaded.device)
        tokens = min(GPU_TOKENS, int(0.6 * free / per_token))
    else:
        allowed = 0.25 * (ram_gb or 4) * 2**30
        cached = CPU_CACHE_BYTES // (loaded.dtype.itemsize * inner)
        tokens = min(max(cached, CPU_TOKENS[0]), CPU_TOKENS[1], int(allowed / per_token))
    tokens = max(tokens, 64)
    return Budget(tokens=tokens, items=MAX_BATCH.get(loaded.device.type, 128)) if pads else Budget(tokens, 1, pad_to=1)


def workers_for(loaded: Loaded) -> int:
    """How many batches are computed at once: some on a CPU, if the model is large enough for more than one thread."""
    return min(loaded.threads, MOST_WORKERS) if loaded.device.type == "cpu" else 1


def take_share(loaded: Loaded, workers: int) -> None:
    """The calling thread, one of so many, computes with its part of the threads."""
    torch.set_num_threads(max(1, loaded.threads // workers))


def guarded(compute: Callable[[], R]) -> R:
    """Runs one forward pass and tells lack of memory and broken devices from other errors.

    Raises:
        OutOfMemory: a smaller batch may fit.
        DeviceBroken: this process cannot compute any more.
    """
    try:
        with torch.inference_mode():
            return compute()
    except RuntimeError as error:
        said = str(error)
        if is_lack_of_memory(error):
            raise OutOfMemory(said) from error
        if "illegal memory access" in said or "device-side assert" in said:
            raise DeviceBroken(
                "node_error", "The accelerator reported an illegal access; the node must restart."
            ) from error
        raise RunFailed("unsupported", f"The model failed on this input: {said.splitlines()[0][:300]}") from error
    except (IndexError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunFailed("unsupported", f"The model failed on this input: {str(error)[:300]}") from error


def free_memory(loaded: Loaded) -> None:
    if loaded.device.type == "cuda":
        torch.cuda.empty_cache()


def on_device(batch: Batch, loaded: Loaded) -> Batch:
    """One non-blocking copy of each tensor; batches lie in pinned memory where there is an accelerator."""
    return {name: tensor.to(loaded.device, non_blocking=True) for name, tensor in batch.items()}


def model_inputs(batch: Batch, loaded: Loaded) -> Batch:
    """On the device; what is not a whole number in the type that the weights have."""
    moved = on_device(batch, loaded)
    return {name: tensor.to(loaded.dtype) if tensor.is_floating_point() else tensor for name, tensor in moved.items()}


def as_rows(values: torch.Tensor) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Results on the CPU, float32.

    Raises:
        RunFailed: bad_output, when a number is not finite.
    """
    rows: np.ndarray[Any, np.dtype[np.float32]] = values.float().cpu().numpy()
    if not np.isfinite(rows).all():
        raise RunFailed("bad_output", "The model answered with numbers that are not finite (NaN or infinity).")
    return rows


def padded(
    sequences: Sequence[Sequence[int]],
    *,
    pad_id: int,
    pad_to: int,
    left: bool,
    pin: bool,
    types: Sequence[Sequence[int]] | None = None,
    type_pad: int = 0,
) -> Batch:
    """input_ids, attention_mask and, where given, token_type_ids; (batch, longest rounded up to `pad_to`), int64."""
    width = -(-max(len(sequence) for sequence in sequences) // pad_to) * pad_to
    columns = {"input_ids": (sequences, pad_id), "attention_mask": ([[1] * len(one) for one in sequences], 0)}
    if types is not None:
        columns["token_type_ids"] = (types, type_pad)
    batch = {name: torch.from_numpy(_aligned(rows, width, fill, left=left)) for name, (rows, fill) in columns.items()}
    return {name: tensor.pin_memory() for name, tensor in batch.items()} if pin else batch


def _aligned(
    rows: Sequence[Sequence[int]], width: int, fill: int, *, left: bool
) -> "np.ndarray[Any, np.dtype[np.int64]]":
    table = np.full((len(rows), width), fill, dtype=np.int64)
    for number, row in enumerate(rows):
        table[number, slice(width - len(row), width) if left else slice(0, len(row))] = row
    return table
