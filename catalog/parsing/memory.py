"""How much memory a model takes, estimated from the headers of its files and its configuration (evaluation-notes 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from catalog.parsing.safetensors import BITS

ACTIVATIONS_SHARE: Final = 0.2  # of the weights
LEAST_ACTIVATIONS: Final = 500_000_000  # bytes
CONTEXT: Final = 600_000_000  # bytes: libraries and, on a GPU, its driver's context
FLOATS: Final = frozenset({"F64", "F32", "F16", "BF16"})  # loaded in whatever type a run computes in
RUN_BYTES: Final = {"float32": 4, "bfloat16": 2, "float16": 2}
_LARGEST: Final = 10**7  # of any number in a configuration that is believed


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes, by what they are for."""

    weights: int
    cache: int  # keys and values of the tokens a decoder has read
    activations: int
    context: int = CONTEXT

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.activations + self.context


def memory_estimate(
    parameters_by_dtype: Mapping[str, int],
    *,
    run_dtype: str = "",
    config: Mapping[str, Any] | None = None,
    cached_tokens: int = 0,
) -> MemoryEstimate | None:
    """None where the headers are not known.

    Args:
        run_dtype: what floating point weights become when they are loaded; "" leaves them as stored.
        config: config.json, for the cache; without it there is none.
        cached_tokens: of all texts that are continued at once.
    """
    width = RUN_BYTES.get(run_dtype)
    weights = sum(
        count * (8 * width if width and dtype in FLOATS else BITS.get(dtype, 8))
        for dtype, count in parameters_by_dtype.items()
    )
    weights //= 8
    if not weights:
        return None
    cache = cache_bytes_per_token(config or {}, width or 2) * cached_tokens
    return MemoryEstimate(weights, cache, activations_of(weights))


def activations_of(weights: int) -> int:
    """Bytes for what is computed on the way."""
    return max(int(weights * ACTIVATIONS_SHARE), LEAST_ACTIVATIONS)


def cache_bytes_per_token(config: Mapping[str, Any], width: int) -> int:
    """Keys and values of one token in all layers; 0 where the configuration does not say.

    Args:
        width: bytes of one number.
    """
    inner = config.get("text_config")
    stated = inner if isinstance(inner, dict) else config
    layers = _number(stated, "num_hidden_layers", "n_layer", "num_layers")
    heads = _number(stated, "num_attention_heads", "n_head", "num_heads")
    size = _number(stated, "hidden_size", "n_embd", "d_model")
    head_size = _number(stated, "head_dim") or (size // heads if heads else 0)
    return 2 * layers * (_number(stated, "num_key_value_heads") or heads) * head_size * width


def _number(config: Mapping[str, Any], *names: str) -> int:
    found = (config.get(name) for name in names)
    return next((value for value in found if type(value) is int and 0 < value < _LARGEST), 0)
