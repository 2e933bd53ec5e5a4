"""Items of a benchmark as the trusted side knows them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from evaluation.benchmarks.schema import Definition

Row = dict[str, Any]  # one JSON object of inputs.jsonl or of the gold list; shapes in `Items`
MEDIA_COLUMNS = {"image": "png", "audio": "wav", "mask": "png"}  # columns of bytes → how their files end


@dataclass(frozen=True)
class Items:
    """Inputs and gold, row by row in the order of the data; ids are still speaking ones.

    inputs: {"id", "text", …}; the columns of each request are those of `runner.spec.InputRow`.
        Bytes stand under the names in `MEDIA_COLUMNS`; text columns never hold bytes.
    gold: {"id", …} with what the request's kind in `metrics.kinds` compares;
          {"id", "label", "chars"?, "cluster"?, "group"?, "fields"?} for classification;
          {"id", "pools": ["en-pl"]} for a document, {"id", "targets": {"en-pl": [ids]}, "cluster"?} for a query.
    """

    inputs: list[Row]
    gold: list[Row]


Reader = Callable[[Definition], Items]
