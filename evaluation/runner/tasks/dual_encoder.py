"""A model with one tower for images and one for texts, such as CLIP; what zero-shot and retrieval share."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import transformers

from evaluation.runner.computing import Batch, guarded, model_inputs
from evaluation.runner.failures import unsupported
from evaluation.runner.loading import Loaded, Loader, encoded, load_tokenizer
from evaluation.runner.spec import RunSpec
from evaluation.runner.tasks.pictures import Pictures

FIXED_LENGTH = frozenset({"siglip", "siglip2"})  # trained on texts filled up to the last position, without a mask
TEXTS_AT_ONCE = 64


@dataclass
class DualEncoder:
    """Unit vectors of texts and images that one inner product compares."""

    loaded: Loaded
    run: RunSpec
    was_loaded: bool = False
    tokenizer: Any = None  # any tokenizer
    max_length: int = 0

    def __post_init__(self) -> None:
        if not hasattr(self.loaded.model, "get_image_features") or not hasattr(self.loaded.model, "get_text_features"):
            raise unsupported("The model has no features of images and texts that could be compared.")
        self.tokenizer = load_tokenizer(self.loaded, self.loaded.snapshot.folder)
        self.pictures = Pictures(self.loaded, self.run)
        positions = getattr(self.loaded.config.get_text_config(), "max_position_embeddings", 77)
        self.max_length = min(int(positions), int(self.tokenizer.model_max_length))

    @classmethod
    def load(cls, run: RunSpec, loader: Loader) -> "DualEncoder":
        """Raises RunFailed."""
        loaded, was_loaded = loader.load(run.model_dir, transformers.AutoModelForZeroShotImageClassification, run.dtype)
        return cls(loaded=loaded, run=run, was_loaded=was_loaded)

    @property
    def settings(self) -> dict[str, object]:
        return self.pictures.settings | {"max_length": self.max_length}

    def tokens(self, texts: Sequence[str]) -> Batch:
        fixed = self.loaded.config.model_type in FIXED_LENGTH
        found = encoded(
            self.tokenizer,
            list(texts),
            truncation=True,
            max_length=self.max_length,
            padding="max_length" if fixed else True,
            return_tensors="pt",
        )
        return {name: found[name] for name in ("input_ids", "attention_mask") if not fixed or name == "input_ids"}

    def text_vectors(self, tokens: Batch) -> torch.Tensor:
        return _unit(self.loaded.model.get_text_features(**model_inputs(tokens, self.loaded)))

    def image_vectors(self, pixels: Batch) -> torch.Tensor:
        return _unit(self.loaded.model.get_image_features(**model_inputs(pixels, self.loaded)))

    def class_vectors(self, labels: Sequence[str], templates: Sequence[str]) -> torch.Tensor:
        """(labels, width): the mean of each label in all templates, of length 1 again."""
        texts = [template.replace("{label}", label) for label in labels for template in templates]
        parts = [texts[start : start + TEXTS_AT_ONCE] for start in range(0, len(texts), TEXTS_AT_ONCE)]
        vectors = torch.cat([guarded(functools.partial(self._vectors_of, part)) for part in parts])
        means = vectors.reshape(len(labels), len(templates), -1).mean(dim=1)
        return torch.nn.functional.normalize(means, dim=-1)

    def _vectors_of(self, texts: Sequence[str]) -> torch.Tensor:
        return self.text_vectors(self.tokens(texts))

    def likeness(self, images: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """(images, texts) logits, at the temperature that the model has learnt."""
        scale = getattr(self.loaded.model, "logit_scale", None)
        bias = getattr(self.loaded.model, "logit_bias", None)
        logits = images @ texts.T
        logits = logits * scale.float().exp() if scale is not None else logits
        return logits + bias.float() if bias is not None else logits


def _unit(found: Any) -> torch.Tensor:  # noqa: ANN401 (a tensor, or the outputs around one)
    vectors: torch.Tensor = found if isinstance(found, torch.Tensor) else found.pooler_output
    return torch.nn.functional.normalize(vectors.float(), dim=-1)
