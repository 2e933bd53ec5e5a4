"""Headers of GGUF files, with every count and length bounded by the size of the file.

Source: github.com/ggml-org/ggml, docs/gguf.md; block sizes from ggml/src/ggml.c.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import BadMetadata
from catalog.parsing.json_values import Json, storable_text

ReadAt = Callable[[int, int], bytes]

LONGEST_HEADER_BYTES: Final = 64 * 1024**2
MOST_TENSORS: Final = 100_000
MOST_FIELDS: Final = 10_000
MOST_ITEMS: Final = 1_000_000
LONGEST_KEPT_TEXT: Final = 64 * 1024
_PAGE_BYTES = 256 * 1024
_STRING, _ARRAY, _BOOL = 8, 9, 7
_DEEPEST_ARRAY = 3

_NUMBERS: Final = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<B", 10: "<Q", 11: "<q", 12: "<d"}

# type → (name, elements in a block, bytes of a block)
_TENSOR_TYPES: Final[dict[int, tuple[str, int, int]]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2),
    26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip


@dataclass(frozen=True)
class GgufHeader:
    """What a file holds. Arrays in `metadata` are replaced by their length, long texts are left out."""

    version: int
    parameters: dict[str, int]  # elements by type
    total: int
    tensor_count: int
    metadata: dict[str, Json]

    @property
    def architecture(self) -> str:
        value = self.metadata.get("general.architecture")
        return value if isinstance(value, str) else ""

    @property
    def context_length(self) -> int | None:
        value = self.metadata.get(f"{self.architecture}.context_length")
        return value if isinstance(value, int) else None


def read_gguf_header(read_at: ReadAt, size: int) -> GgufHeader:
    """The checked header of a file of `size` bytes.

    Raises:
        BadMetadata: with a sentence that says what the file gets wrong.
    """
    cursor = _Cursor(read_at, size)
    if cursor.take(4) != b"GGUF":
        raise BadMetadata(_("The file does not start with 'GGUF'."))
    version = int(cursor.number("<I"))
    if version not in {2, 3}:
        raise BadMetadata(_("GGUF version %(version)s is not one we can read.") % {"version": version})
    tensor_count, field_count = int(cursor.number("<Q")), int(cursor.number("<Q"))
    if tensor_count > MOST_TENSORS or field_count > MOST_FIELDS:
        raise BadMetadata(
            _("The GGUF header claims %(tensor_count)s tensors and %(field_count)s fields.")
            % {"tensor_count": tensor_count, "field_count": field_count}
        )
    metadata: dict[str, Json] = {}
    for _index in range(field_count):
        name = cursor.text(longest=65_535)
        if name in metadata:
            raise BadMetadata(_("The GGUF field %(value)r occurs twice.") % {"value": name[:100]})
        metadata[name] = cursor.value(int(cursor.number("<I")))
    parameters = _read_tensors(cursor, tensor_count, metadata.get("general.alignment", 32))
    return GgufHeader(version, dict(parameters), parameters.total(), tensor_count, metadata)


def _read_tensors(cursor: _Cursor, count: int, alignment: Json) -> Counter[str]:
    if not isinstance(alignment, int) or not 0 < alignment <= 65_536 or alignment & (alignment - 1):
        raise BadMetadata(_("The alignment of the GGUF file is not a power of two."))
    parameters: Counter[str] = Counter()
    names: set[str] = set()
    last_byte = 0
    for _index in range(count):
        name = cursor.text(longest=1024)
        if name in names:
            raise BadMetadata(_("The tensor %(value)r occurs twice.") % {"value": name[:100]})
        names.add(name)
        kind, elements, end = _read_tensor(cursor, name, alignment)
        parameters[kind] += elements
        last_byte = max(last_byte, end)
    start = -(-cursor.at // alignment) * alignment
    if start + last_byte > cursor.size and count:
        raise BadMetadata(
            _("The tensors need %(value)s bytes, but the file has only %(size)s.")
            % {"value": start + last_byte, "size": cursor.size}
        )
    return parameters


def _read_tensor(cursor: _Cursor, name: str, alignment: int) -> tuple[str, int, int]:
    """`(type, elements, end)`; the end counts from the start of the data."""
    dimensions = int(cursor.number("<I"))
    if dimensions > 8:
        raise BadMetadata(
            _("The tensor %(value)r has %(dimensions)s dimensions.") % {"value": name[:100], "dimensions": dimensions}
        )
    elements = 1
    for _index in range(dimensions):
        elements *= int(cursor.number("<Q"))
        if elements >= 2**62:
            raise BadMetadata(_("The tensor %(value)r is larger than any file.") % {"value": name[:100]})
    number, offset = int(cursor.number("<I")), int(cursor.number("<Q"))
    if offset % alignment or offset > cursor.size:
        raise BadMetadata(_("The tensor %(value)r does not start where a tensor may start.") % {"value": name[:100]})
    kind, block, block_bytes = _TENSOR_TYPES.get(number, (f"type {number}", 0, 0))
    if block and elements % block:
        raise BadMetadata(
            _("The tensor %(value)r does not fill its blocks of %(block)s.") % {"value": name[:100], "block": block}
        )
    return kind, elements, offset + (elements // block * block_bytes if block else 0)


class _Cursor:
    """Reads forward through the header, a page at a time, never behind the end of the file."""

    def __init__(self, read_at: ReadAt, size: int) -> None:
        self.size = size
        self.at = 0
        self._read_at = read_at
        self._page = b""
        self._page_at = 0
        self._items = 0  # texts and arrays within arrays; each costs a step

    def take(self, length: int) -> bytes:
        if length > self.size - self.at or self.at + length > LONGEST_HEADER_BYTES:
            raise BadMetadata(_("The GGUF header claims more bytes than there are."))
        start = self.at - self._page_at
        if start + length > len(self._page):
            self._page = self._read_at(self.at, min(max(length, _PAGE_BYTES), self.size - self.at))
            self._page_at, start = self.at, 0
        data = self._page[start : start + length]
        if len(data) != length:
            raise BadMetadata(_("The GGUF file ends before its header does."))
        self.at += length
        return data

    def number(self, layout: str) -> int | float:
        value: int | float = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def text(self, *, longest: int) -> str:
        length = int(self.number("<Q"))
        if length > longest:
            raise BadMetadata(_("A name in the GGUF header claims %(length)s bytes.") % {"length": length})
        return storable_text(self.take(length).decode(errors="replace"))

    def value(self, kind: int, depth: int = 0) -> Json:
        if kind == _STRING:
            text = self.text(longest=LONGEST_HEADER_BYTES)
            return text if len(text) <= LONGEST_KEPT_TEXT else None
        if kind == _ARRAY:
            return self._skip_array(depth)
        if kind not in _NUMBERS:
            raise BadMetadata(_("The GGUF header holds a value of the unknown type %(kind)s.") % {"kind": kind})
        number = self.number(_NUMBERS[kind])
        if isinstance(number, float):
            return number if number - number == 0 else None  # no NaN, no infinity
        return bool(number) if kind == _BOOL else number

    def _skip_array(self, depth: int) -> Json:
        """Pass over an array; only its length is of interest."""
        kind, count = int(self.number("<I")), int(self.number("<Q"))
        if count > self.size or depth >= _DEEPEST_ARRAY:
            raise BadMetadata(_("The GGUF header holds an array larger than the file, or nested too deep."))
        self._items += 0 if kind in _NUMBERS else count
        if self._items > MOST_ITEMS:
            raise BadMetadata(
                _("The GGUF header holds more than %(most_items)s texts in arrays.") % {"most_items": MOST_ITEMS}
            )
        if kind in _NUMBERS:
            self.take(count * struct.calcsize(_NUMBERS[kind]))
        else:
            for _index in range(count):
                self.value(kind, depth + 1)
        return {"length": count}
