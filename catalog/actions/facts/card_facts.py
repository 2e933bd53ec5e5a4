"""What the card of a repo says, as columns and as the tags that the Hub's clients filter by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Final

from catalog.models import Repo, RepoFacts
from catalog.parsing import config, formats
from catalog.parsing.card import LONGEST_WORD, Card
from catalog.parsing.config import ModelConfig
from catalog.parsing.json_values import Json

MOST_PAPERS: Final = 50
# Fields of a dataset card whose values become tags under the field's own name.
DATASET_FIELDS: Final = (
    "task_categories",
    "task_ids",
    "annotations_creators",
    "language_creators",
    "multilinguality",
    "size_categories",
    "source_datasets",
)
REGION: Final = "region:us"  # what the Hub's clients expect to find; it says nothing about where we are

EMISSIONS: Final = "co2_eq_emissions"  # a field of cards that is a tag, too
# Frameworks by the weights that transformers saves for them, whole or in shards.
WEIGHTS: Final = {
    "pytorch": re.compile(r"pytorch_model(-[0-9]{5}-of-[0-9]{5})?\.bin"),
    "tf": re.compile(r"tf_model(-[0-9]{5}-of-[0-9]{5})?\.h5"),
    "jax": re.compile(r"flax_model(-[0-9]{5}-of-[0-9]{5})?\.msgpack"),
}
_PAPER = re.compile(r"arxiv\.org/(?:abs|pdf)/([0-9]{4}\.[0-9]{4,5})", re.ASCII)


def apply(facts: RepoFacts, card: Card, *, paths: Iterable[str], model: ModelConfig | None) -> None:
    """Fill in what the card says, and where it is silent what the files let us infer.

    Args:
        paths: of all files; formats are in `facts` already.
    """
    known = set(paths)
    facts.title, facts.summary = card.title, card.summary
    facts.licence = card.licence
    facts.languages, facts.datasets = list(card.languages), list(card.datasets)
    facts.base_models = list(card.base_models)
    facts.card_data = card.front_matter or None
    facts.card_problems = [asdict(problem) for problem in card.problems]
    facts.claims = [asdict(claim) for claim in card.claims]
    facts.library, facts.task, facts.base_relation = card.library, card.task, card.base_relation
    if facts.kind == Repo.Kind.MODEL:
        facts.library = card.library or config.library_of(known)
        facts.task = card.task or config.task_of(model, facts.library)
        facts.base_relation = card.base_relation or _relation_of(facts, known)
    facts.tags = _tags_of(facts, card, model, known)


def _relation_of(facts: RepoFacts, paths: set[str]) -> str:
    if not facts.base_models:
        return ""
    if "adapter_config.json" in paths:
        return "adapter"
    if len(facts.base_models) > 1:
        return "merge"
    return "quantized" if facts.formats == [formats.GGUF] else "finetune"


def _tags_of(facts: RepoFacts, card: Card, model: ModelConfig | None, paths: set[str]) -> list[str]:
    """Without duplicates, in the Hub's order: what it is, what the card adds, where it comes from."""
    tags = [*_tags_of_kind(facts, card, model, paths), *card.tags, *_tags_of_origin(facts, card)]
    return [tag for tag in dict.fromkeys(tags) if tag and len(tag) <= LONGEST_WORD]


def _tags_of_kind(facts: RepoFacts, card: Card, model: ModelConfig | None, paths: set[str]) -> Iterator[str]:
    if facts.kind == Repo.Kind.DATASET:
        for name in DATASET_FIELDS:
            yield from (f"{name}:{value}" for value in _words(card.front_matter.get(name)))
        yield from (f"language:{language}" for language in facts.languages)
        yield from (f"format:{kind}" for kind in facts.formats)
        return
    yield facts.library
    if facts.kind == Repo.Kind.MODEL:
        yield from (tag for tag, weights in WEIGHTS.items() if any(map(weights.fullmatch, paths)))
    yield from (kind for kind in facts.formats if kind in {formats.SAFETENSORS, formats.GGUF, formats.ONNX})
    if model is not None:
        yield model.model_type
    yield facts.task
    yield from facts.languages
    if facts.kind == Repo.Kind.MODEL and card.front_matter.get(EMISSIONS) is not None:
        yield EMISSIONS


def _tags_of_origin(facts: RepoFacts, card: Card) -> Iterator[str]:
    if facts.kind == Repo.Kind.MODEL:
        yield from (f"dataset:{dataset}" for dataset in facts.datasets)
    yield from (f"arxiv:{paper}" for paper in list(dict.fromkeys(_PAPER.findall(card.body)))[:MOST_PAPERS])
    for base in facts.base_models:
        yield f"base_model:{base}"
        yield f"base_model:{facts.base_relation}:{base}"
    if facts.licence:
        yield f"license:{facts.licence}"
    yield REGION


def _words(value: Json) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)]
