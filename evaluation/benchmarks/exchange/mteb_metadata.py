"""Metadata of MTEB tasks: the JSON of `TaskMetadata`, which carries real revisions of its datasets.

Source: mteb, mteb/abstasks/task_metadata.py.
"""

import re
from typing import Any, Final

from evaluation.benchmarks.exchange.draft import UNKNOWN, Draft, Hints, list_of, mapping_at, mapping_of, slug, text_at
from evaluation.benchmarks.strict import bad
from evaluation.benchmarks.writing import dump
from evaluation.metrics.registry import REGISTRY
from evaluation.metrics.registry.mteb import PREFIX

TASKS: Final = {"BitextMining": "bitext-mining", "Retrieval": "retrieval", "Reranking": "retrieval"}
TAKEN_APART: Final = {"STS", "Classification", "Retrieval", "Reranking"}  # by evaluation.harnesses.mteb_process


def read(text: str, hints: Hints) -> Draft:
    """A draft that names its task of mteb, which asks and judges it (evaluation.harnesses)."""
    found = mapping_of(text)
    dataset = mapping_at(found, "dataset")
    name, repo = text_at(found, "name"), text_at(dataset, "path")
    if not name or not repo:
        raise bad("", "metadata of an MTEB task names the task and its dataset (name, dataset.path).")
    kind, main = text_at(found, "type"), text_at(found, "main_score")
    notes = []
    if kind not in TAKEN_APART:
        notes.append(f"engine: tasks of mteb's type {kind or 'unknown'} are not taken apart here yet; this cannot run.")
    if f"{PREFIX}{main}" not in REGISTRY:
        notes.append(f"metrics: {main or 'its score'} of mteb is not among ours yet.")
    splits = [str(one) for one in list_of(found.get("eval_splits"))]
    if len(splits) > 1:
        notes.append(f"It evaluates on {', '.join(splits)}; this is {splits[0]}.")
    body: dict[str, Any] = {
        "schema": 1,
        "id": slug(f"mteb {_words(name)}"),
        "version": 1,
        "title": f"MTEB {name}",
        "summary": " ".join(text_at(found, "description").split())[:500],
        "task": TASKS.get(kind, "feature-extraction"),
        "tasks": ["sentence-similarity", "feature-extraction"],
        "languages": _languages(found),
        "status": "draft",
        "dataset": {
            "repo": hints.dataset or repo,
            "revision": hints.revision or text_at(dataset, "revision", UNKNOWN),
            "config": text_at(dataset, "name", "default"),
            "split": splits[0] if splits else "test",
            "license": text_at(found, "license", "unknown"),
        },
        "request": "embed",
        "metrics": [{"name": f"{PREFIX}{main}", "primary": True}],
        "engine": {"name": "mteb", "harness_task": name},
        "reference": text_at(found, "reference"),
    }
    return Draft(dump(body), tuple(notes))


def _words(name: str) -> str:
    """`Banking77Classification` → `Banking77 Classification`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)


def _languages(found: dict[str, Any]) -> list[str]:
    """`eng-Latn` → `en`: cards of models use two letters; what has none is left out."""
    two = {"eng": "en", "deu": "de", "fra": "fr", "spa": "es", "pol": "pl", "zho": "zh", "cmn": "zh", "jpn": "ja",
           "rus": "ru", "ita": "it", "por": "pt", "kor": "ko", "ara": "ar", "nld": "nl", "tur": "tr"}  # fmt: skip
    listed = found.get("eval_langs")
    codes = [code for value in listed.values() for code in value] if isinstance(listed, dict) else list_of(listed)
    return sorted({two[str(code)[:3]] for code in codes if str(code)[:3] in two})
