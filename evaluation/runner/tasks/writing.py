"""request: generate, for decoder-only models: texts that go on from a prompt."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
import transformers

from evaluation.runner.batching import PAD_TO, Budget
from evaluation.runner.computing import Batch, first_budget, guarded, on_device, padded
from evaluation.runner.failures import unsupported
from evaluation.runner.loading import Loader
from evaluation.runner.outputs import Form, Result
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks.decoder import Decoder
from evaluation.runner.tasks.seq2seq import cut_at, ends_of, search, until_end

MORE_TOKENS = 4  # read before a stop string: the first of them may be half a letter
TOLERANCE = 1e-2  # of logits, relative and absolute, between a padded prompt and a bare one


class PromptToText:
    unit = "tokens"
    form: Form = "lines"

    def __init__(self, run: RunSpec, loader: Loader) -> None:
        asked = run.options.get("generation") or {}
        self.max_new_tokens = int(asked.get("max_new_tokens", 128))
        self.stop = tuple(str(text) for text in asked.get("stop") or ())
        self.temperature = float(asked.get("temperature", 1.0)) if asked.get("do_sample") else 0.0
        self.repeats, beams = int(asked.get("repeats", 1)), int(asked.get("beams", 1))
        self.seed, self.ram_gb = run.seed, run.limits.get("ram_gb")
        self.decoder = Decoder.load(run, loader)
        self.loaded, self.was_loaded = self.decoder.loaded, self.decoder.was_loaded
        self.room = self.decoder.max_length - self.max_new_tokens
        if self.room < 1:
            raise unsupported(
                f"The benchmark asks for {self.max_new_tokens} new tokens; "
                f"the model sees {self.decoder.max_length} at once, and the prompt needs room too."
            )
        pad = self.decoder.tokenizer.pad_token_id
        self.config = search(self.loaded, pad, beams=beams, max_new_tokens=self.max_new_tokens)
        self.chat = str((run.options.get("prompt") or {}).get("chat_template", "off"))
        self.prompts: list[str] = []
        self.ids: list[list[int]] = []
        self.pads = self._may_pad()
        self.settings: dict[str, object] = {
            "max_length": self.decoder.max_length,
            "max_new_tokens": self.max_new_tokens,
            "stop": list(self.stop),
            "beams": beams,
            "temperature": self.temperature,
            "repeats": self.repeats,
        }

    def lengths(self, rows: Sequence[InputRow]) -> list[int]:
        chats = self.decoder.chats([row.text for row in rows], self.chat)
        self.prompts = [row.text for row in rows] if chats is None else chats
        found = self.decoder.encode(self.prompts)
        whole = [found[prompt] or [self.decoder.prefix_id] for prompt in self.prompts]
        self.ids = [ids[-self.room :] for ids in whole]
        self.settings["chat_template"] = chats is not None
        self.settings["items_cut"] = sum(len(ids) > self.room for ids in whole)
        rows_each = self.repeats * self.config.num_beams
        return [(len(ids) + self.max_new_tokens) * rows_each for ids in self.ids]

    def budget(self) -> Budget:
        return first_budget(self.loaded, ram_gb=self.ram_gb, pads=self.pads)

    def prepare(self, indexes: list[int]) -> Batch:
        return self._batch([self.ids[index] for index in indexes for _ in range(self.repeats)]) | {
            "items": torch.tensor(indexes)
        }

    def compute(self, batch: Batch) -> list[Result]:
        indexes = batch["items"].tolist()
        inputs = {name: tensor for name, tensor in batch.items() if name != "items"}
        width = inputs["input_ids"].shape[1]

        def write() -> torch.Tensor:
            self.loaded.model.generation_config = self.config  # or the model's own wishes would fill its gaps
            written: torch.Tensor = self.loaded.model.generate(
                **on_device(inputs, self.loaded),
                stopping_criteria=[StopStrings(self.decoder, self.stop, width)] if self.stop else None,
                logits_processor=self._noise(indexes, width),
            )
            return written[:, width:]

        outputs = [self._output(tokens) for tokens in guarded(write).cpu().tolist()]
        each = self.repeats
        return [{"outputs": outputs[number * each : (number + 1) * each]} for number in range(len(indexes))]

    def _output(self, tokens: list[int]) -> Result:
        own, ended = until_end(tokens, ends_of(self.config))
        text, stopped = cut_at(self.decoder.tokenizer.decode(own, skip_special_tokens=True), self.stop)
        return {"text": text, "tokens": len(own), "truncated": not (ended or stopped)}

    def _batch(self, rows: list[list[int]]) -> Batch:
        pad, cuda = self.config.pad_token_id, self.loaded.device.type == "cuda"
        longest = max(map(len, rows))
        fits = -(-longest // PAD_TO) * PAD_TO <= self.room
        return padded(rows, pad_id=pad, pad_to=PAD_TO if fits else 1, left=True, pin=cuda)

    def _noise(self, indexes: list[int], width: int) -> "list[SeededNoise] | None":
        """Each text is drawn from what is asked alone: the same in every run, whatever else is in the batch."""
        if not self.temperature:
            return None
        asked = [f"{self.seed}\0{self.prompts[index]}\0{repeat}" for index in indexes for repeat in range(self.repeats)]
        seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) for text in asked]
        return [SeededNoise(seeds, self.temperature, width)]

    def _may_pad(self) -> bool:
        """Whether the model sees a prompt the same way when something fills the room before it."""
        if self.room < 5:
            return False
        generator = np.random.default_rng(0)
        rows = int(self.loaded.model.get_input_embeddings().weight.shape[0])
        short, long = ([int(token) for token in generator.integers(0, rows, size=size)] for size in (2, 5))
        beside = self._first_logits([short, long])[0]
        alone = self._first_logits([short], bare=True)[0]
        return bool(torch.allclose(beside, alone, rtol=TOLERANCE, atol=TOLERANCE))

    def _first_logits(self, rows: list[list[int]], *, bare: bool = False) -> torch.Tensor:
        batch = padded(rows, pad_id=self.config.pad_token_id, pad_to=1, left=True, pin=False)
        if bare:
            del batch["attention_mask"]

        def forward() -> torch.Tensor:
            self.loaded.model.generation_config = self.config
            options = {"max_new_tokens": 1, "return_dict_in_generate": True, "output_logits": True}
            logits: torch.Tensor = self.loaded.model.generate(**on_device(batch, self.loaded), **options).logits[0]
            return logits.float()

        return guarded(forward)


class StopStrings(transformers.StoppingCriteria):
    """Ends each text whose new part holds one of these strings."""

    def __init__(self, decoder: Decoder, stops: Sequence[str], width: int) -> None:
        self.tokenizer, self.stops, self.width = decoder.tokenizer, stops, width
        # A token is a byte at least.
        self.tail = max(len(stop.encode()) for stop in stops) + MORE_TOKENS

    def __call__(self, input_ids: torch.Tensor, scores: object, **options: object) -> torch.Tensor:
        start = max(self.width, input_ids.shape[1] - self.tail)
        tails = self.tokenizer.batch_decode(input_ids[:, start:], skip_special_tokens=True)
        ended = [cut_at(tail, self.stops)[1] and self._holds(ids) for tail, ids in zip(tails, input_ids, strict=True)]
        return torch.tensor(ended, dtype=torch.bool, device=input_ids.device)

    def _holds(self, ids: torch.Tensor) -> bool:
        """Looked for in the whole text as well, which alone is what counts."""
        return cut_at(self.tokenizer.decode(ids[self.width :], skip_special_tokens=True), self.stops)[1]


class SeededNoise(transformers.LogitsProcessor):
    """Makes the likeliest token a drawn one: Gumbel noise from the text's own seed and the number of the step."""

    def __init__(self, seeds: Sequence[int], temperature: float, width: int) -> None:
        self.seeds, self.temperature, self.width = seeds, temperature, width

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        step = input_ids.shape[1] - self.width
        size = scores.shape[-1]
        noise = np.stack([np.random.default_rng([seed, step]).gumbel(size=size) for seed in self.seeds])
        return scores.float() / self.temperature + torch.from_numpy(noise).to(scores.device, torch.float32)
