"""Items of a benchmark as the trusted side knows them."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from evaluation.benchmarks.schema import Definition

Row = dict[str, Any]  # one JSON object of inputs.jsonl or of the gold list; shapes in `Items`
MEDIA_COLUMNS = {"image": "png", "audio": "wav", "mask": "png"}  # columns of bytes → how their files end
MediaSource = Callable[[Collection[str]], Iterator[tuple[str, str, bytes]]]
"""Ids → (id, column, bytes) of each that has some, in the order of the data."""


class Located(str):
    """Stands in a media column for bytes that are read when the files of a run are written; says where they lie."""

    __slots__ = ()


@dataclass(frozen=True)
class Items:
    """Inputs and gold, row by row in the order of the data; ids are still speaking ones.

    inputs: {"id", "text", …}; the columns of each request are those of `runner.spec.InputRow`.
        Bytes stand under the names in `MEDIA_COLUMNS`, or a `Located` and the bytes come from `media`;
        text columns never hold bytes.
    gold: {"id", …} with what the request's kind in `metrics.kinds` compares;
          {"id", "label", "chars"?, "cluster"?, "group"?, "fields"?} for classification;
          {"id", "pools": ["en-pl"]} for a document, {"id", "targets": {"en-pl": [ids]}, "cluster"?} for a query,
          {"grades": {"": {id: grade}}} in place of targets where some answers are better than others.
    """

    inputs: list[Row]
    gold: list[Row]
    media: MediaSource | None = None
    rows: int | None = None  # of the dataset, where one row gives several items or none


Reader = Callable[[Definition], Items]
