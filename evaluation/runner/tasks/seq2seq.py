"""request: generate, for encoder-decoder models: summaries and translations."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, guarded, on_device
from evaluation.runner.failures import unsupported
from evaluation.runner.loading import Loaded, Loader
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.greedy import GREEDY
from evaluation.runner.tasks.texts import TokenisedTexts

# Which tokens mean what is the model's to say; how to search is the definition's.
OF_THE_MODEL = (
    "decoder_start_token_id", "bos_token_id", "eos_token_id", "pad_token_id", "forced_bos_token_id", "bad_words_ids",
    "suppress_tokens", "begin_suppress_tokens",
)  # fmt: skip


class SourceToText:
    unit = "tokens"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        asked = run.options.get("generation") or {}
        self.stop = tuple(str(text) for text in asked.get("stop") or ())
        beams = int(asked.get("beams", 1))
        if asked.get("do_sample") or int(asked.get("repeats", 1)) != 1:
            raise unsupported("Models that read a source first write one text per item, without sampling.")
        self.loaded, self.was_loaded = loader.load(run.model_dir, transformers.AutoModelForSeq2SeqLM, run.dtype)
        self.texts = TokenisedTexts(self.loaded, run)
        # A decoder has places for so many tokens, and the first is the one that starts it.
        places = getattr(self.loaded.config, "max_position_embeddings", None) or 10**9
        self.max_new_tokens = min(int(asked.get("max_new_tokens", 128)), places - 1)
        self.config = search(self.loaded, self.texts.pad_id, beams=beams, max_new_tokens=self.max_new_tokens)
        self.settings: dict[str, object] = {
            "max_length": self.texts.max_length,
            "max_new_tokens": self.max_new_tokens,
            "beams": beams,
            "stop": list(self.stop),
        }

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        lengths = self.texts.tokenise([row.text for row in rows])
        self.settings["inputs_cut"] = self.texts.cut
        # What is written fills memory as well, and the same for all.
        return [length + self.max_new_tokens * self.config.num_beams for length in lengths]

    def budget(self) -> Budget:
        return self.texts.budget()

    def prepare(self, indexes: list[int]) -> Batch:
        return self.texts.batch(indexes)

    def compute(self, batch: Batch) -> list[Result]:
        def write() -> torch.Tensor:
            moved = on_device(batch, self.loaded)
            self.loaded.model.generation_config = self.config
            written: torch.Tensor = self.loaded.model.generate(**moved)
            return written[:, 1:]  # without the token that starts the decoder

        return [self._result(tokens) for tokens in guarded(write).cpu().tolist()]

    def _result(self, tokens: list[int]) -> Result:
        own, ended = until_end(tokens, ends_of(self.config))
        text, stopped = cut_at(self.texts.tokenizer.decode(own, skip_special_tokens=True).strip(), self.stop)
        return {"outputs": [{"text": text, "tokens": len(own), "truncated": not (ended or stopped)}]}


def reads_a_source(config: Mapping[str, Any]) -> bool:
    """Whether config.json describes an encoder with a decoder."""
    kind = str(config.get("model_type"))
    if kind not in transformers.CONFIG_MAPPING:
        return False
    known: Any = transformers.AutoModelForSeq2SeqLM._model_mapping  # noqa: SLF001 (no public question)
    return transformers.CONFIG_MAPPING[kind] in known


def search(loaded: Loaded, pad_id: int | None, *, beams: int, max_new_tokens: int) -> transformers.GenerationConfig:
    """How to write: greedily or with beams, and nothing else that a model's own generation_config.json may wish."""
    own = loaded.model.generation_config
    kept = {name: value for name in OF_THE_MODEL if (value := getattr(own, name, None)) is not None}
    for name in ("decoder_start_token_id", "eos_token_id"):
        if name not in kept and (value := getattr(loaded.config, name, None)) is not None:
            kept[name] = value
    if kept.get("eos_token_id") in (None, []):
        raise unsupported("The model names no token that ends a text (eos_token_id in config.json).")
    end = kept["eos_token_id"]
    kept.setdefault("pad_token_id", pad_id if pad_id is not None else end[0] if isinstance(end, list) else end)
    make: Any = transformers.GenerationConfig  # it has no types
    config: transformers.GenerationConfig = make(
        **kept, **GREEDY | {"num_beams": beams, "max_new_tokens": max_new_tokens}
    )
    return config


def ends_of(config: transformers.GenerationConfig) -> frozenset[int]:
    ends = config.eos_token_id
    return frozenset(ends if isinstance(ends, list) else [ends])


def until_end(tokens: Sequence[int], ends: frozenset[int]) -> tuple[list[int], bool]:
    """The tokens before the first that ends a text, and whether there is one."""
    for index, token in enumerate(tokens):
        if token in ends:
            return list(tokens[:index]), True
    return list(tokens), False


def cut_at(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """The text before the first of these strings, and whether there is one."""
    places = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
    return (text[: min(places)], True) if places else (text, False)
