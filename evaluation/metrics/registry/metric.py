"""What a person and the scoring need to know of a metric."""

from dataclasses import dataclass, field
from typing import Literal

Need = str  # what a sample may offer: labels, probabilities, ranks, …
Interval = Literal["proportion", "mean", "corpus"]  # Wilson, t, bootstrap (evaluation-notes 6)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a person needs to read one number."""

    name: str
    title: str
    description: str
    needs: frozenset[Need]
    interval: Interval
    library: str  # whose numbers it equals; a test compares them to 1e-9
    version: int = 1
    unit: str = "proportion"
    range: tuple[float, float | None] = (0.0, 1.0)
    higher_is_better: bool = True
    params: dict[str, float] = field(default_factory=dict)  # name → default

    @property
    def decomposable(self) -> bool:
        """Whether the value is the mean of one number per item."""
        return self.interval != "corpus"
