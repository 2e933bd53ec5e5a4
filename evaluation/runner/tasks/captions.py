"""request: caption. One sentence about each image, decoded greedily without a prompt."""

from collections.abc import Sequence
from typing import Any

import torch
import transformers

from evaluation.runner.batching import Budget
from evaluation.runner.computing import Batch, guarded, model_inputs
from evaluation.runner.failures import unsupported
from evaluation.runner.loading import Loader, load_tokenizer
from evaluation.runner.outputs import Form, Result
from evaluation.runner.snapshot import read_json
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.greedy import GREEDY
from evaluation.runner.tasks.pictures import Pictures

WITHOUT_PROMPT = frozenset({"blip", "git", "vision-encoder-decoder"})
MOST_NEW_TOKENS = 50


class Captions:
    unit = "images"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        kind = read_json(run.model_dir / "config.json").get("model_type")
        if kind in transformers.CONFIG_MAPPING and kind not in WITHOUT_PROMPT:
            raise unsupported(f"Captions by {kind!r} are not supported: it needs a prompt, or writes no captions.")
        self.loaded, self.was_loaded = loader.load(run.model_dir, transformers.AutoModelForImageTextToText, run.dtype)
        self.tokenizer = load_tokenizer(self.loaded, run.model_dir)
        self.pictures = Pictures(self.loaded, run)
        asked = run.options.get("generation") or {}
        self.generation: dict[str, Any] = {
            "max_new_tokens": int(asked.get("max_new_tokens", MOST_NEW_TOKENS)),
            "num_beams": 1,
            "do_sample": False,
        }
        self.settings: dict[str, object] = self.pictures.settings | {"generation": dict(self.generation)}

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        return self.pictures.lengths(rows)

    def budget(self) -> Budget:
        return self.pictures.budget()

    def prepare(self, indexes: list[int]) -> Batch:
        return {"pixel_values": self.pictures.batch(indexes)["pixel_values"]}

    def compute(self, batch: Batch) -> list[Result]:
        tokens: torch.Tensor = guarded(
            lambda: self.loaded.model.generate(**model_inputs(batch, self.loaded), **GREEDY | self.generation)
        )
        return [{"text": text.strip()} for text in self.tokenizer.batch_decode(tokens, skip_special_tokens=True)]
