"""Trains the demo's tiny models: `python -m marketplace.demo.training FOLDER`. Minutes on two cores, seeded.

The only demo module that imports torch; it runs as a process of its own. Training data are the
training splits of our built-in benchmarks, which the benchmarks never ask about (decision 25).
"""

from __future__ import annotations

import io
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessor,
)

from evaluation.benchmarks.readers import digits_train, langid_train

SEED = 20261122
LONGEST = 48  # tokens of one sentence
BATCH = 64
NOTE = "training.json"  # beside the model, for its card; never uploaded
SPREAD = 0.1  # of initial weights: the usual 0.02 is made for models a hundred times as wide


@dataclass(frozen=True)
class TextRecipe:
    """A language identifier: a BERT of this size over subwords, trained this long."""

    name: str
    hidden: int
    layers: int
    epochs: int
    share: float = 1.0  # of the training sentences
    rate: float = 3e-3


@dataclass(frozen=True)
class DigitRecipe:
    """A digit reader: a ViT of this size, trained this long."""

    name: str
    hidden: int
    layers: int
    epochs: int


TEXT_RECIPES = (
    TextRecipe("langid-mini", hidden=48, layers=1, epochs=6),
    TextRecipe("langid-base", hidden=128, layers=2, epochs=10, rate=1.5e-3),
    TextRecipe("langid-first-try", hidden=32, layers=1, epochs=2, share=0.5),
    TextRecipe("wykrywacz-jezyka", hidden=64, layers=2, epochs=6),
)
DIGIT_RECIPES = (
    DigitRecipe("digits-vit-tiny", hidden=32, layers=2, epochs=25),
    DigitRecipe("digits-vit-small", hidden=64, layers=3, epochs=30),
)


def train_all(folder: Path) -> None:
    """Write every demo model into `folder/<name>/`; print its name when it is there."""
    torch.set_num_threads(1)  # two threads were slower at this size
    sentences = langid_train()
    tokenizer = train_tokenizer([text for text, _ in sentences])
    for text_recipe in TEXT_RECIPES:
        train_text(text_recipe, sentences, tokenizer, folder / text_recipe.name)
        say(text_recipe.name)
    digits = digits_train()
    for digit_recipe in DIGIT_RECIPES:
        train_digits(digit_recipe, digits, folder / digit_recipe.name)
        say(digit_recipe.name)
    break_copy(folder / "digits-vit-tiny", folder / "digits-unfinished")
    say("digits-unfinished")


def say(name: str) -> None:
    """One line for whoever waits for this model."""
    sys.stdout.write(f"{name}\n")
    sys.stdout.flush()


def train_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Subwords of 2 000 pieces; characters stay themselves, so every script is covered."""
    pad, unknown, start, end = special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(models.BPE(unk_token=unknown))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=2000, special_tokens=special, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (start, end)],
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # transformers has no types here
        tokenizer_object=tokenizer, model_max_length=LONGEST,
        pad_token=pad, unk_token=unknown, cls_token=start, sep_token=end,
    )  # fmt: skip


def train_text(
    recipe: TextRecipe, sentences: list[tuple[str, str]], tokenizer: PreTrainedTokenizerFast, folder: Path
) -> None:
    seed_everything()
    languages = sorted({language for _, language in sentences})
    chosen = sentences[:: round(1 / recipe.share)]
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=len(tokenizer), hidden_size=recipe.hidden, num_hidden_layers=recipe.layers,
            num_attention_heads=4, intermediate_size=2 * recipe.hidden, max_position_embeddings=LONGEST,
            pad_token_id=tokenizer.pad_token_id, initializer_range=SPREAD, id2label=dict(enumerate(languages)),
            label2id={language: index for index, language in enumerate(languages)},
        )
    )  # fmt: skip
    encoded = tokenizer([text for text, _ in chosen], truncation=True, max_length=LONGEST)["input_ids"]
    labels = [languages.index(language) for _, language in chosen]

    def batches() -> Iterator[dict[str, torch.Tensor]]:
        for rows in shuffled_batches(len(chosen)):
            padded = tokenizer.pad({"input_ids": [encoded[row] for row in rows]}, return_tensors="pt")
            yield {**padded, "labels": torch.tensor([labels[row] for row in rows])}

    fit(model, batches, epochs=recipe.epochs, rate=recipe.rate)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    note(folder, share_right(model, batches), len(chosen))


def train_digits(recipe: DigitRecipe, digits: list[tuple[bytes, str]], folder: Path) -> None:
    seed_everything()
    processor = ViTImageProcessor(size={"height": 32, "width": 32}, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    names = [str(digit) for digit in range(10)]
    model = ViTForImageClassification(
        ViTConfig(
            image_size=32, patch_size=8, hidden_size=recipe.hidden, num_hidden_layers=recipe.layers,
            num_attention_heads=4, intermediate_size=2 * recipe.hidden, initializer_range=SPREAD,
            id2label=dict(enumerate(names)), label2id={name: index for index, name in enumerate(names)},
        )
    )  # fmt: skip
    images = [Image.open(io.BytesIO(png)).convert("RGB") for png, _ in digits]
    pixels = processor(images, return_tensors="pt")["pixel_values"]
    labels = torch.tensor([names.index(label) for _, label in digits])

    def batches() -> Iterator[dict[str, torch.Tensor]]:
        for rows in shuffled_batches(len(digits)):
            yield {"pixel_values": pixels[rows], "labels": labels[rows]}

    fit(model, batches, epochs=recipe.epochs, rate=4e-3)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    note(folder, share_right(model, batches), len(digits))


def break_copy(source: Path, target: Path) -> None:
    """A model somebody forgot to finish: the classifier is missing from its weights, so no run can load it."""
    target.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "preprocessor_config.json", NOTE):
        (target / name).write_bytes((source / name).read_bytes())
    weights = load_file(source / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("classifier.")}
    save_file(kept, target / "model.safetensors", metadata={"format": "pt"})


Batches = Callable[[], Iterator[dict[str, torch.Tensor]]]


@torch.inference_mode()
def share_right(model: torch.nn.Module, batches: Batches) -> float:
    """Returns the accuracy on the training data: what the demo's cards claim, openly."""
    right = total = 0
    for batch in batches():
        found = model(**batch).logits.argmax(-1)
        right += int((found == batch["labels"]).sum())
        total += len(found)
    return right / total


def note(folder: Path, accuracy: float, examples: int) -> None:
    (folder / NOTE).write_text(json.dumps({"train_accuracy": round(accuracy, 3), "examples": examples}))


def fit(model: torch.nn.Module, batches: Batches, *, epochs: int, rate: float) -> None:
    """Plain training: AdamW, one cycle of the learning rate."""
    steps = epochs * sum(1 for _ in batches())
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
    model.train()
    for _ in range(epochs):
        for batch in batches():
            optimizer.zero_grad()
            model(**batch).loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()


def shuffled_batches(count: int) -> Iterator[list[int]]:
    order = torch.randperm(count).tolist()
    for start in range(0, count, BATCH):
        yield order[start : start + BATCH]


def seed_everything() -> None:
    random.seed(SEED)
    np.random.seed(SEED)  # libraries below still draw from it
    torch.manual_seed(SEED)


if __name__ == "__main__":
    train_all(Path(sys.argv[1]))
