"""What scoring says of one run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluation.metrics.columns import Column


@dataclass(frozen=True)
class MetricValue:
    """One number with its interval; proportions are 0–1."""

    metric: str
    value: float
    low: float
    high: float
    n: int  # items scored
    slice: str = ""  # "" for all items, else like "pair:en-pl"; figures between groups name the division, "pair"
    primary: bool = False
    method: str = ""  # how the interval was made
    signature: str = ""  # what else decided the number, as its reference library writes it


@dataclass(frozen=True)
class Judgement:
    """The numbers of one run, what is kept to compare it with others (`metrics.columns`), and what explains them."""

    values: list[MetricValue]
    columns: list[Column]
    diagnostics: Mapping[str, Any] = field(default_factory=dict)  # JSON: no score, and nothing is ranked by it
