"""Floating point operations of one piece of work, counted by torch as it is done; a multiply-add counts as 2."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count


def count_flops(work: Callable[[], object]) -> int:
    """Matrix products, convolutions and attention of `work`; what is done per element is not counted, as usual."""
    counter = FlopCounterMode(display=False, custom_mapping={_CPU_ATTENTION: _attention})
    with counter:
        work()
    return int(counter.get_total_flops())


# torch counts the attention of GPUs only.
_CPU_ATTENTION = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu  # noqa: SLF001 (an operator has no other name)


def _attention(query: Any, key: Any, value: Any, *_: object, out_shape: object = None, **__: object) -> int:  # noqa: ANN401 (shapes)
    return int(sdpa_flop_count(query, key, value))  # type: ignore[no-untyped-call]  # torch has no types for it
