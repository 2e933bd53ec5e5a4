"""A model's files, looked at before any framework touches them. Plain Python; hostile input."""

import json
import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.runner.failures import unsupported

LARGEST_HEADER = 100 * 1024 * 1024
LARGEST_JSON = 16 * 1024 * 1024
PICKLED = re.compile(r"pytorch_model(-\d{5}-of-\d{5})?\.bin")
LARGEST_OTHER = (
    256 * 1024 * 1024
)  # tokenizers and whatever else stands beside the weights; parsed, it takes 10 times that
DTYPE_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32,
    "U64": 64, "I64": 64, "F64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """A checked folder: weights that are what they say, and a configuration."""

    folder: Path
    config: dict[str, Any]
    weights: tuple[Path, ...]
    parameters: int
    stored_dtypes: tuple[str, ...]


def check_snapshot(folder: Path) -> Snapshot:
    """Reads config.json and every safetensors header.

    Raises:
        RunFailed: unsupported, saying what is missing or wrong and in which file.
    """
    _check_sizes(folder)
    config = read_json(folder / "config.json")
    if "quantization_config" in config:
        raise unsupported("The weights are quantised (quantization_config in config.json), which is not supported yet.")
    weights = _weight_files(folder)
    parameters, dtypes = 0, set()
    for path in weights:
        for dtype, shape in tensors_of(path).values():
            parameters += math.prod(shape)
            dtypes.add(dtype)
    return Snapshot(
        folder=folder,
        config=config,
        weights=weights,
        parameters=parameters,
        stored_dtypes=tuple(sorted(dtypes)),
    )


def pickled_weights(folder: Path) -> list[Path]:
    """Weight files that have to be converted; none where there are safetensors."""
    if any(folder.glob("*.safetensors")):
        return []
    found = sorted(path for path in folder.iterdir() if PICKLED.fullmatch(path.name))
    whole = [path for path in found if path.name == "pytorch_model.bin"]
    return whole or found


def converted_name(name: str) -> str:
    return name.replace("pytorch_model", "model").replace(".bin", ".safetensors")


def most_converted_bytes(path: Path) -> int:
    """Twice the pickle: weights that share memory are written once for each name."""
    return 2 * path.stat().st_size + 2**20


def _check_sizes(folder: Path) -> None:
    """Libraries read these files whole, whatever their size."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".safetensors", ".bin") and path.is_file() and path.stat().st_size > LARGEST_OTHER:
            raise unsupported(f"{path.name} is larger than {LARGEST_OTHER // 2**20} MiB.")


def read_json(path: Path) -> dict[str, Any]:
    """One JSON object from a model's folder.

    Raises:
        RunFailed: unsupported.
    """
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise unsupported(f"{path.name} is larger than {LARGEST_JSON // 2**20} MiB.")
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise unsupported(f"{path.name} is missing from the repository.") from error
    except (ValueError, RecursionError) as error:
        raise unsupported(f"{path.name} is not valid JSON: {error}.") from error
    if not isinstance(body, dict):
        raise unsupported(f"{path.name} does not hold a JSON object.")
    return body


def _weight_files(folder: Path) -> tuple[Path, ...]:
    if (folder / "adapter_config.json").exists() and not (folder / "model.safetensors").exists():
        raise unsupported("This is an adapter (adapter_config.json); it cannot be evaluated without its base model.")
    index = folder / "model.safetensors.index.json"
    if index.exists():
        table = read_json(index).get("weight_map")
        if not isinstance(table, dict) or not all(isinstance(name, str) for name in table.values()):
            raise unsupported("model.safetensors.index.json has no weight_map.")
        names = sorted(set(table.values()))
        missing = [name for name in names if "/" in name or not (folder / name).is_file()]
        if missing:
            raise unsupported(f"The index names a weight file that is missing: {missing[0]}.")
        return tuple(folder / name for name in names)
    if (folder / "model.safetensors").is_file():
        return (folder / "model.safetensors",)
    pickled = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for path in folder.glob(pattern))
    if pickled:
        raise unsupported(f"The weights are pickled ({pickled[0]}), which can run code. Upload model.safetensors.")
    raise unsupported("There are no weights: model.safetensors is missing from the repository.")


def tensors_of(path: Path) -> dict[str, tuple[str, list[int]]]:
    """(dtype, shape) of each tensor by name, after checking that header and file agree byte for byte."""

    def wrong(problem: str) -> Exception:
        return unsupported(f"{path.name} is not a valid safetensors file: {problem}.")

    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(LARGEST_HEADER, size - 8):
            raise wrong("its header length does not fit the file")
        raw = stream.read(length)
    try:
        header = json.loads(raw, object_pairs_hook=_without_repeats)
        header.pop("__metadata__", None)
        entries = [(name, *_entry(entry)) for name, entry in header.items()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise wrong(f"its header cannot be read ({error})") from error
    position = 0
    for name, dtype, shape, begin, end in sorted(entries, key=lambda entry: (entry[3], entry[4])):
        if begin != position:
            raise wrong(f"there is a hole or an overlap before the tensor {name!r}")
        if (end - begin) * 8 != math.prod(shape) * DTYPE_BITS[dtype]:
            raise wrong(f"the tensor {name!r} has another size than its shape and type say")
        position = end
    if position != size - 8 - length:
        raise wrong("the tensors end elsewhere than the file")
    return {name: (dtype, shape) for name, dtype, shape, _, _ in entries}


def _entry(entry: dict[str, Any]) -> tuple[str, list[int], int, int]:
    dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype not in DTYPE_BITS:
        raise ValueError(f"unknown type {dtype!r}")
    if not all(type(number) is int and 0 <= number < 2**48 for number in [*shape, begin, end]) or end < begin:
        raise ValueError("numbers out of range")
    return dtype, shape, begin, end


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a name appears twice")
    return dict(pairs)
