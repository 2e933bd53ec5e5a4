"""Datasets at hand: files of one commit, and definitions that read them."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from evaluation.benchmarks.definitions import load_definition
from evaluation.benchmarks.hub.files import DataFile, DatasetFiles

REVISION = "0123456789abcdef0123456789abcdef01234567"


def dataset(files: dict[str, bytes], revision: str = REVISION) -> DatasetFiles:
    return DatasetFiles(
        repo="acme/data",
        revision=revision,
        files={path: DataFile(path, len(content), lambda content=content: io.BytesIO(content))
               for path, content in files.items()},
    )  # fmt: skip


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def parquet(rows: list[dict]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


def png(colour: str = "red", side: int = 8) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(stream, "PNG")
    return stream.getvalue()


def definition(*, more: str = "", dataset: str = "", fields: str = "{text: text, target: label}", **replaced: str):
    """A definition that classifies; keywords replace whole lines."""
    shown = {
        "request": "classify",
        "task": "text-classification",
        "labels": "{0: neg, 1: pos}",
        "revision": REVISION,
        "split": "test",
        "status": "stable",
        "id": "mine",
        "repo": "acme/data",
        "metric": "accuracy",
    } | replaced
    return load_definition(text_of(shown, fields, dataset, more))


def text_of(shown: dict[str, str], fields: str, dataset: str = "", more: str = "") -> str:
    return f"""
schema: 1
id: {shown["id"]}
version: 1
title: Mine
task: {shown["task"]}
tasks: [{shown["task"]}]
status: {shown["status"]}
dataset: {{repo: {shown["repo"]}, revision: {shown["revision"]}, split: {shown["split"]}{dataset}}}
fields: {fields}
labels: {shown["labels"]}
request: {shown["request"]}
metrics: [{{name: {shown["metric"]}, primary: true}}]
{more}
"""
