"""Headers of safetensors files, believed only as far as the file's size bears them out.

Source: github.com/huggingface/safetensors, README (format) and safetensors/src/tensor.rs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import BadMetadata
from catalog.parsing.json_values import Json, read_json

ReadAt = Callable[[int, int], bytes]  # (offset, length): the bytes there, fewer only at the end of the file

LONGEST_HEADER_BYTES: Final = 100_000_000
_LENGTH_BYTES = 8
_SHARD_NAME = re.compile(r"[^/\\\x00]{1,255}")
_MOST_DIMENSIONS = 64

BITS: Final[dict[str, int]] = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64,
    "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """One array; `begin` and `end` are byte offsets behind the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def elements(self) -> int:
        count = 1
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True)
class SafetensorsHeader:
    """What a file holds: elements by dtype, their sum, and each tensor in the order of the bytes."""

    parameters: dict[str, int]
    total: int
    tensors: tuple[Tensor, ...]
    metadata: dict[str, str]


def read_header(read_at: ReadAt, size: int) -> SafetensorsHeader:
    """The checked header of a file of `size` bytes.

    Raises:
        BadMetadata: with a sentence that says what the file gets wrong.
    """
    if size < _LENGTH_BYTES:
        raise BadMetadata(_("The safetensors file is too short to have a header."))
    length = int.from_bytes(read_at(0, _LENGTH_BYTES), "little")
    if length > LONGEST_HEADER_BYTES:
        raise BadMetadata(
            _("The safetensors header claims %(length)s bytes, more than %(longest_header_bytes)s.")
            % {"length": length, "longest_header_bytes": LONGEST_HEADER_BYTES}
        )
    if length > size - _LENGTH_BYTES:
        raise BadMetadata(
            _("The safetensors header claims %(length)s bytes, but the file has only %(size)s.")
            % {"length": length, "size": size}
        )
    raw = read_at(_LENGTH_BYTES, length)
    if len(raw) != length or not raw.startswith(b"{"):
        raise BadMetadata(_("The safetensors header does not start with '{'."))
    fields = read_json(raw, what="The safetensors header", deepest=4)
    if not isinstance(fields, dict):
        raise BadMetadata(_("The safetensors header is not an object."))
    metadata = _metadata(fields.pop("__metadata__", None))
    tensors = sorted((_tensor(*item) for item in fields.items()), key=lambda tensor: (tensor.begin, tensor.end))
    _check_layout(tensors, size - _LENGTH_BYTES - length)
    parameters: Counter[str] = Counter()
    for tensor in tensors:
        parameters[tensor.dtype] += tensor.elements
    return SafetensorsHeader(dict(parameters), parameters.total(), tuple(tensors), metadata)


def shards_of(index: bytes) -> tuple[str, ...]:
    """The distinct files that a `model.safetensors.index.json` names, sorted.

    Raises:
        BadMetadata: it is no such index, or a name points outside its folder.
    """
    fields = read_json(index, what="The safetensors index")
    weight_map = fields.get("weight_map") if isinstance(fields, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise BadMetadata(_("The safetensors index has no weight_map."))
    names = {name for name in weight_map.values() if isinstance(name, str)}
    if len(names) > 10_000 or any(
        not re.fullmatch(r"[^/\\\x00]{1,255}", name) or name in {".", ".."} for name in names
    ):
        raise BadMetadata(_("The safetensors index names files outside its folder."))
    return tuple(sorted(names))


def _metadata(value: Json) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadMetadata(_("The __metadata__ of the safetensors header is not an object."))
    texts = {name: text for name, text in value.items() if isinstance(text, str)}
    if len(texts) != len(value):
        raise BadMetadata(_("The __metadata__ of the safetensors header may hold only texts."))
    return texts


def _tensor(name: str, entry: Json) -> Tensor:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise BadMetadata(
            _("The tensor %(value)r must have exactly dtype, shape and data_offsets.") % {"value": name[:100]}
        )
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise BadMetadata(
            _("The tensor %(value)r has the unknown dtype %(value2)r.")
            % {"value": name[:100], "value2": str(dtype)[:20]}
        )
    if not isinstance(offsets, list) or len(offsets) != 2:
        raise BadMetadata(_("The tensor %(value)r must have two data_offsets.") % {"value": name[:100]})
    lengths = _counts(name, shape)
    begin, end = _counts(name, offsets)
    tensor = Tensor(name, dtype, lengths, begin, end)
    bits = tensor.elements * BITS[dtype]
    if bits >= 2**66:  # other readers multiply in 64 bits, where this would wrap round to something small
        raise BadMetadata(_("The tensor %(value)r is larger than any file.") % {"value": name[:100]})
    if bits % 8 or end - begin != bits // 8:
        raise BadMetadata(
            _("The tensor %(value)r needs %(bits)s bits, but its offsets span %(value2)s bytes.")
            % {"value": name[:100], "bits": bits, "value2": end - begin}
        )
    return tensor


def _counts(name: str, values: Json) -> tuple[int, ...]:
    if not isinstance(values, list) or len(values) > _MOST_DIMENSIONS:
        raise BadMetadata(_("The shape of the tensor %(value)r is not a short list.") % {"value": name[:100]})
    counts = tuple(value for value in values if isinstance(value, int) and not isinstance(value, bool))
    if len(counts) != len(values) or any(not 0 <= count < 2**63 for count in counts):
        raise BadMetadata(_("The tensor %(value)r has a length or offset that is no size.") % {"value": name[:100]})
    return counts


def _check_layout(tensors: list[Tensor], available: int) -> None:
    """The tensors must cover the bytes behind the header exactly: no hole, no overlap, nothing after them."""
    at = 0
    for tensor in tensors:
        if tensor.begin != at:
            kind = "a hole" if tensor.begin > at else "an overlap"
            raise BadMetadata(
                _("There is %(kind)s before the tensor %(value)r.") % {"kind": kind, "value": tensor.name[:100]}
            )
        at = tensor.end
    if at != available:
        raise BadMetadata(
            _("The tensors need %(at)s bytes behind the header, but the file has %(available)s.")
            % {"at": at, "available": available}
        )
