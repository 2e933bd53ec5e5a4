"""Pickled weights to safetensors, byte for byte. Runs behind the walls: reading a pickle is running a program."""

import json
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from evaluation.runner.events import Events
from evaluation.runner.failures import RunFailed, unsupported
from evaluation.runner.memory import is_lack_of_memory
from evaluation.runner.snapshot import converted_name, most_converted_bytes, pickled_weights

Tensors = dict[str, torch.Tensor]
FOREIGN = re.compile(r"(?:GLOBAL|type) ([\w.<>']+)")  # how torch names what it refuses


def convert(folder: Path, output: Path, events: Events) -> None:
    """Every pickled weight file of `folder` as a safetensors file in `output`, read back and compared.

    Raises:
        RunFailed: unsupported or does_not_fit.
    """
    paths = pickled_weights(folder)
    for number, path in enumerate(paths):
        events.progress("loading", number, len(paths))
        tensors = _read(path)
        size = sum(tensor.numel() * tensor.itemsize for tensor in tensors.values())
        if size > most_converted_bytes(path):
            raise unsupported(f"{path.name} would unpack to {size / 1e9:.1f} GB, far more than it holds.")
        target = output / converted_name(path.name)
        _write(tensors, target, path.name)
        _compare(tensors, target)


def _read(path: Path) -> Tensors:
    try:
        body = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        found = FOREIGN.search(str(error).replace("`", ""))
        what = f"{found[1]}, which" if found else "something that"
        raise unsupported(f"{path.name} asks for {what} is not what weights consist of; it is not loaded.") from error
    except Exception as error:  # a file of strangers raises anything
        if is_lack_of_memory(error):
            raise RunFailed("does_not_fit", f"{path.name} does not fit into the memory of this node.") from error
        said = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise unsupported(f"{path.name} cannot be read: {said}") from error
    if not isinstance(body, Mapping) or not body:
        raise unsupported(f"{path.name} holds no table of weights.")
    return {_name(name, path): _tensor(name, value, path) for name, value in body.items()}


def _name(name: object, path: Path) -> str:
    if not isinstance(name, str) or name == "__metadata__":
        raise unsupported(f"{path.name} has a weight without a usable name.")
    return name


def _tensor(name: object, value: Any, path: Path) -> torch.Tensor:  # noqa: ANN401 (whatever a pickle holds)
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_quantized or value.is_meta:
        raise unsupported(f"{path.name} holds something other than plain weights: {str(name)[:100]}.")
    return value.detach()


def _write(tensors: Tensors, target: Path, source: str) -> None:
    """Weights that share memory are written once for each name."""
    seen: set[int] = set()
    apart: Tensors = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone(memory_format=torch.contiguous_format) if place in seen else tensor.contiguous()
        seen.add(place)
    try:
        save_file(apart, target, {"format": "pt"})
    except (KeyError, ValueError, RuntimeError) as error:
        if is_lack_of_memory(error):
            raise RunFailed("does_not_fit", f"{source} does not fit into the memory of this node.") from error
        raise unsupported(f"{source} cannot be converted: {str(error)[:300]}") from error


def _compare(tensors: Tensors, target: Path) -> None:
    with safe_open(target, framework="pt") as written:
        if set(written.keys()) != set(tensors):
            raise RunFailed("node_error", "The converted weights have other names than the pickled ones.")
        for name, tensor in tensors.items():
            found = written.get_tensor(name)
            if found.dtype != tensor.dtype or found.shape != tensor.shape or not _is_equal(found, tensor):
                raise RunFailed("node_error", f"The converted weight {json.dumps(name)} is not the pickled one.")


def _is_equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Byte for byte: NaN is not equal to itself."""
    pair = [tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (one, other)]
    return torch.equal(*pair)
