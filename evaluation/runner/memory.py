"""Lack of memory, told from other errors: an accelerator has an error of its own, a CPU only says it in words."""

import torch


def is_lack_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and ("DefaultCPUAllocator" in said or "not enough memory" in said)
