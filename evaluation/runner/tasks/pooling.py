"""How token states become one vector: sentence-transformers' modules.json and what it names, without that package."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from evaluation.runner.failures import unsupported
from evaluation.runner.snapshot import read_json

LEGACY_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "Identity": lambda values: values,
    "Tanh": torch.tanh,
    "ReLU": torch.relu,
    "GELU": torch.nn.functional.gelu,
    "Sigmoid": torch.sigmoid,
}
Head = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class SentenceLayout:
    """What the files beside the weights say; mean pooling where they say nothing."""

    transformer: Path
    pooling: tuple[str, ...] = ("mean",)
    normalise: bool = False
    max_length: int | None = None
    lower_case: bool = False
    prompts: dict[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    dense: tuple[Path, ...] = ()
    similarity: str = "cosine"  # what the model itself compares by

    @classmethod
    def read(cls, folder: Path) -> "SentenceLayout":
        """Raises RunFailed: unsupported, for a module that is not known here."""
        if not (folder / "modules.json").is_file():
            return cls(transformer=folder)
        facts: dict[str, Any] = {"transformer": folder, "dense": ()}
        for kind, path in _modules(folder):
            if kind == "Transformer":
                facts |= {"transformer": path} | _limits(path)
            elif kind == "Pooling":
                facts["pooling"] = _pooling_modes(path)
            elif kind == "Normalize":
                facts["normalise"] = True
            elif kind == "Dense":
                facts["dense"] = (*facts["dense"], path)
            else:
                raise unsupported(f"modules.json names the module {kind!r}, which is not supported.")
        return cls(**facts, **_settings(folder))

    @property
    def ranks_by_cosine(self) -> bool:
        """Vectors of length 1 stand in the same order by dot product and by distance."""
        return self.similarity == "cosine" or (self.normalise and self.similarity in ("dot", "euclidean"))

    def prompt(self, role: str, names: tuple[str, ...] = ()) -> str:
        """The prefix for a query, a document or a text without a role; `names` are looked for before the role's."""
        usual = {"query": ("query",), "document": ("document", "passage", "corpus")}.get(role, ())
        for name in (*names, *usual):
            if name in self.prompts:
                return self.prompts[name]
        return self.prompts.get(self.default_prompt or "", "")

    def load_heads(self, device: torch.device, dtype: torch.dtype) -> list[Head]:
        """The linear layers behind the pooling."""
        return [_dense(path, device) for path in self.dense]


def pool(states: torch.Tensor, mask: torch.Tensor, modes: tuple[str, ...]) -> torch.Tensor:
    """(batch, length, width) states and (batch, length) mask to (batch, width × modes), float32."""
    weight = mask.unsqueeze(-1).to(states.dtype)
    rows = torch.arange(len(states), device=states.device)
    # Where the first and the last real token stand, whichever side is padded.
    first = mask.argmax(dim=1)
    last = mask.shape[1] - 1 - mask.flip(1).argmax(dim=1)
    count = weight.sum(1).clamp(min=1e-9)

    def one(mode: str) -> torch.Tensor:
        if mode == "cls":
            return states[rows, first]
        if mode == "lasttoken":
            return states[rows, last]
        if mode == "max":
            return states.masked_fill(weight == 0, float("-inf")).amax(1)
        if mode == "mean":
            return (states * weight).sum(1) / count
        if mode == "mean_sqrt_len_tokens":
            return (states * weight).sum(1) / count.sqrt()
        position = (mask.cumsum(1) * mask).unsqueeze(-1).to(states.dtype)  # weightedmean: later tokens count more
        return (states * position).sum(1) / position.sum(1).clamp(min=1e-9)

    return torch.cat([one(mode) for mode in modes], dim=-1)


def _modules(folder: Path) -> list[tuple[str, Path]]:
    """(class name, folder) of each module, in order."""
    body = read_json_list(folder / "modules.json")
    found = []
    for entry in body:
        path = (folder / str(entry.get("path", ""))).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise unsupported("modules.json names a folder outside the repository.")
        found.append((str(entry.get("type", "")).rpartition(".")[2], path))
    return found


def read_json_list(path: Path) -> list[dict[str, Any]]:
    import json

    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise unsupported(f"{path.name} is not valid JSON: {error}.") from error
    if not isinstance(body, list) or not all(isinstance(entry, dict) for entry in body):
        raise unsupported(f"{path.name} is not a list of modules.")
    return body


def _limits(path: Path) -> dict[str, Any]:
    if not (path / "sentence_bert_config.json").is_file():
        return {}
    body = read_json(path / "sentence_bert_config.json")
    length = body.get("max_seq_length")
    return {
        "max_length": length if isinstance(length, int) else None,
        "lower_case": body.get("do_lower_case") is True,
    }


def _pooling_modes(path: Path) -> tuple[str, ...]:
    body = read_json(path / "config.json")
    named = body.get("pooling_mode")
    modes = [named] if isinstance(named, str) else named if isinstance(named, list) else None
    if modes is None:
        modes = [mode for key, mode in LEGACY_MODES.items() if body.get(key) is True]
    unknown = [mode for mode in modes if mode not in LEGACY_MODES.values()]
    if unknown or not modes:
        raise unsupported(f"The pooling {unknown[0]!r} is not supported." if unknown else "The pooling names no mode.")
    return tuple(modes)


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "config_sentence_transformers.json"
    if not path.is_file():
        return {}
    body = read_json(path)
    prompts = body.get("prompts")
    texts = {str(name): str(text) for name, text in prompts.items() if text} if isinstance(prompts, dict) else {}
    default = body.get("default_prompt_name")
    return {
        "prompts": texts,
        "default_prompt": default if isinstance(default, str) else None,
        "similarity": str(body.get("similarity_fn_name") or "cosine"),
    }


def _dense(path: Path, device: torch.device) -> Head:
    body = read_json(path / "config.json")
    name = str(body.get("activation_function", "Tanh")).rpartition(".")[2]
    if name not in ACTIVATIONS or not (path / "model.safetensors").is_file():
        raise unsupported(f"The dense layer in {path.name} has an unknown activation or no model.safetensors.")
    try:
        weights = safetensors.torch.load_file(path / "model.safetensors", device=str(device))
        weight, bias = weights["linear.weight"].float(), weights.get("linear.bias")
    except (OSError, KeyError, safetensors.SafetensorError) as error:
        raise unsupported(f"The dense layer in {path.name} cannot be read: {error}.") from error
    activation = ACTIVATIONS[name]

    def head(values: torch.Tensor) -> torch.Tensor:
        return activation(torch.nn.functional.linear(values, weight, bias.float() if bias is not None else None))

    return head
