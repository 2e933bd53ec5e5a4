"""Classes of nodes and runs by memory: which there are, which one a machine is of, and what goes above what.

Pure: no rows. A class is the name of a queue (`eval.gpu.24g`); people read it without the prefix.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

CPU: Final = "eval.cpu"
# GB of memory a GPU of the class has at least, as their makers count.
GPU_GB: Final = {
    "eval.gpu.16g": 16, "eval.gpu.24g": 24, "eval.gpu.48g": 48, "eval.gpu.80g": 80, "eval.gpu.141g": 141,
}  # fmt: skip
CLASSES: Final = (CPU, *GPU_GB)
PREFIX: Final = "eval."
USABLE: Final = 0.9  # of the memory: the rest is the driver's and the allocator's (evaluation-notes 7)
_NEARLY: Final = 0.95  # with error correction on, a card of 16 GB shows 15.8
_MIB, _GB = 2**20, 1e9


def shown(queue: str) -> str:
    """What people and programs read: `gpu.24g`."""
    return queue.removeprefix(PREFIX)


def rank(queue: str) -> int:
    """Place in the order of classes; a queue nobody knows counts as the smallest."""
    return CLASSES.index(queue) if queue in CLASSES else 0


def largest(queues: Iterable[str]) -> str:
    """The class of a node that serves these queues."""
    return max(queues, key=rank, default=CPU)


def class_of(hardware: dict[str, Any], versions: dict[str, Any]) -> str:
    """The class of a machine as it describes itself."""
    memory = _gpu_gb(hardware, versions)
    reached = [name for name, gb in GPU_GB.items() if memory is not None and memory >= _NEARLY * gb]
    return reached[-1] if reached else CPU


def served(hardware: dict[str, Any], versions: dict[str, Any]) -> list[str]:
    """The queues of a machine: its class and those below."""
    return list(CLASSES[: rank(class_of(hardware, versions)) + 1])


def memory_gb(hardware: dict[str, Any], versions: dict[str, Any]) -> float | None:
    """What a run can have there: of the GPU, else of the machine; None when it does not say."""
    gpu = _gpu_gb(hardware, versions)
    ram = hardware.get("ram_bytes")
    if gpu is not None:
        return gpu
    return ram / _GB if isinstance(ram, int | float) and ram > 0 else None


def _gpu_gb(hardware: dict[str, Any], versions: dict[str, Any]) -> float | None:
    """Memory of the GPU its runs use; None where they use none: no device, told not to, or torch cannot."""
    gpus, device = hardware.get("gpus"), str(hardware.get("device") or "auto")
    if device == "cpu" or str(versions.get("torch", "")).endswith("+cpu") or not isinstance(gpus, list) or not gpus:
        return None
    number = device.partition(":")[2]
    chosen = gpus[int(number)] if number.isascii() and number.isdigit() and int(number) < len(gpus) else gpus[0]
    try:
        return float(chosen["memory.total"]) * _MIB / _GB
    except (KeyError, TypeError, ValueError):  # told by the node: may be anything
        return None
