"""The ready definitions: real commits or none, only kinds that run, and fields that fit the data they name."""

import dataclasses
import io
import re
import wave
from pathlib import Path

import pytest

from evaluation.benchmarks import definitions, readers
from evaluation.benchmarks.definitions import library_definitions
from evaluation.benchmarks.hub.shapes import SHAPES
from evaluation.benchmarks.schema import Definition
from evaluation.metrics.kinds import KINDS
from evaluation.runner.tasks import ADAPTERS
from tests.evaluation.benchmarks.data import dataset, lines, parquet, png

FOLDER = Path(definitions.__file__).parent / "library"
LIBRARY = library_definitions()
STABLE = [one for one in LIBRARY if one.status == "stable"]
ROWS = 6
TEXTS = {"text", "pair", "target", "cluster", "group", "id"}


def test_each_file_is_called_like_its_definition():
    assert [path.stem for path in sorted(FOLDER.glob("*.yaml"))] == [one.id for one in LIBRARY]


def test_a_commit_is_named_in_full_or_not_at_all():
    assert all(re.fullmatch(r"[0-9a-f]{40}|unknown", one.dataset.revision) for one in LIBRARY)
    by_name = {}
    for one in LIBRARY:
        by_name.setdefault(one.dataset.repo, set()).add(one.dataset.revision)
    assert {name: found for name, found in by_name.items() if len(found) > 1} == {}


def test_only_what_can_be_asked_read_and_judged_is_stable():
    assert {one.id for one in STABLE if not (one.request in SHAPES and one.request in KINDS)} == set()
    assert {one.id for one in STABLE if one.request not in ADAPTERS} == set()


@pytest.mark.parametrize(("name", "said"), [
    ("glue-mrpc", "by accuracy, not GLUE's F1"),
    ("glue-qqp", "by accuracy, not GLUE's F1"),
    ("coco-detection", "without crowd marks"),
    ("hellaswag", "not cleaned as lm_eval does it"),
    ("wikitext2", "not lm_eval's number"),
])  # fmt: skip
def test_a_number_that_is_not_the_usual_one_says_so(name, said):
    assert said in next(one.summary for one in LIBRARY if one.id == name)


def test_common_voice_is_a_draft_while_nothing_reads_its_archives():
    wanted = next(one for one in LIBRARY if one.id == "common-voice-en")
    pinned = dataclasses.replace(wanted, dataset=dataclasses.replace(wanted.dataset, revision="a" * 40))
    files = {
        "transcript/en/test.tsv": b"client_id\tpath\tsentence\nx\ta.mp3\tHello.\n",
        "audio/en/test/en_test_0.tar": b"",
    }

    assert wanted.status == "draft"
    with pytest.raises(readers.DataUnavailable, match="no config 'en'"):
        readers.read(pinned, dataset(files, revision="a" * 40))


@pytest.mark.parametrize("definition", STABLE, ids=lambda one: one.id)
def test_data_of_the_shape_it_names_is_read(definition: Definition, tmp_path):
    """Rows made after its own fields, at the commit it pins; the real data's columns are its authors' word."""
    revision = definition.dataset.revision if definition.dataset.revision != "unknown" else "a" * 40
    small = dataclasses.replace(
        definition,
        id=f"{definition.id}-tiny",
        dataset=dataclasses.replace(definition.dataset, revision=revision, expect_rows=None, subset=None),
    )

    made = readers.materialise(
        small, run_seed="s", directory=tmp_path, files=dataset(files_of(small), revision=revision)
    )

    assert made.rows >= ROWS
    assert len(made.gold) == made.rows
    if "documents" in definition.fields:
        assert sum("grades" in row for row in made.gold) == ROWS


def files_of(definition: Definition) -> dict[str, bytes]:
    if "documents" in definition.fields:
        return collection_of(definition)
    splits = {definition.dataset.split}
    splits |= {definition.dataset.fewshot_split} if definition.dataset.fewshot_split else set()
    splits |= {"train"} if definition.request == "features" else set()
    configs = definition.dataset.config.split("+")
    files = {}
    for config in configs:
        for split in splits:
            rows = [row_of(definition, number, config if len(configs) > 1 else "") for number in range(ROWS)]
            files[f"data/{config}/{split}-00000-of-00001.parquet"] = parquet(rows)
    return files


def collection_of(definition: Definition) -> dict[str, bytes]:
    """As the repos of MTEB lie: judgements, documents and queries in three configs of the card."""
    numbers = range(ROWS)
    tables = {
        f"qrels/{definition.dataset.split}.jsonl": [
            {"query-id": f"q{number}", "corpus-id": f"d{number}", "score": 1} for number in numbers
        ],
        "corpus.jsonl": [{"_id": f"d{number}", "title": "A title", "text": f"text {number}"} for number in numbers],
        "queries.jsonl": [{"_id": f"q{number}", "text": f"query {number}"} for number in numbers],
    }
    card = """---
configs:
- config_name: default
  data_files: [{split: SPLIT, path: qrels/SPLIT.jsonl}]
- config_name: corpus
  data_files: [{split: corpus, path: corpus.jsonl}]
- config_name: queries
  data_files: [{split: queries, path: queries.jsonl}]
---
""".replace("SPLIT", definition.dataset.split)
    return {"README.md": card.encode()} | {path: lines(*rows) for path, rows in tables.items()}


def row_of(definition: Definition, number: int, config: str) -> dict:
    row: dict = {}
    for field, path in [*definition.fields.items(), *extra_columns(definition)]:
        if path is not None and "{" not in path:
            parts = path.split(".")
            if config and parts[0] != config:
                continue
            put(row, parts[1:] if config else parts, value_of(definition, field, number))
    return row


def extra_columns(definition: Definition):
    """Columns that only templates name."""
    prompt = definition.prompt
    sources = [*definition.fields.values(), *([prompt.template, prompt.choices] if prompt else [])]
    names = {
        name
        for source in sources
        if isinstance(source, str) and "{{" in source
        for name in re.findall(r"(?:\{\{|\(|~|\+)\s*([a-z_A-Z][\w.]*)", source)
    }
    found = {re.sub(r"\.(strip|lower|replace|split|index|capitalize|rstrip|lstrip)$", "", name) for name in names}
    if prompt and isinstance(prompt.choices, str) and "{{" not in prompt.choices:
        found.add(prompt.choices)
    return [(f"template {name}", name) for name in sorted(found)]


def put(row: dict, parts: list[str], value) -> None:
    for part in parts[:-1]:
        row = row.setdefault(part, {})
    row.setdefault(parts[-1], value)


def value_of(definition: Definition, field: str, number: int):
    labels = sorted(definition.labels or {0: ""})
    fixed = {
        "corners": [[1.0, 1.0, 3.0, 3.0]],
        "areas": [4.0],
        "width": 8,
        "height": 8,
        "words": ["a", "b"],
        "image": {"bytes": png(side=number + 1), "path": None},
        "audio": {"bytes": wav(), "path": None},
    }
    if field in fixed:
        return fixed[field]
    if field == "target":
        return target_of(definition, labels, number)
    if field.startswith("template"):
        return template_value(field.removeprefix("template "), number)
    return f"{field} {number}"


def target_of(definition: Definition, labels: list[int], number: int):
    if definition.request == "token-classify":
        return [labels[0], labels[-1]]
    if definition.request == "detect":
        return [labels[number % len(labels)]]
    if definition.request in ("span", "vqa", "caption"):
        return [f"answer {number}"]
    if definition.request == "loglikelihood":
        return number % 2
    return labels[number % len(labels)] if definition.labels else f"target {number}"


def template_value(name: str, number: int):
    listed = ("choices", "endings", "choices.text")
    if name in listed:
        return [f"one {number}", f"two {number}", "three", "four"]
    if name == "choices.label":
        return ["A", "B", "C", "D"]
    return "A" if name == "answerKey" else f"{name} {number} #### {number}"


def wav() -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(b"\0\0" * 160)
    return stream.getvalue()
