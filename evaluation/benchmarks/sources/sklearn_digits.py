"""Handwritten digits of scikit-learn."""

from evaluation.benchmarks import corpora
from evaluation.benchmarks.items import Items, Reader
from evaluation.benchmarks.schema import Definition

REPO = "builtin:sklearn-digits"


def digits_train() -> list[tuple[bytes, str]]:
    """(PNG, digit) pairs that the benchmark `digits` never asks about; images look as in the benchmark."""
    return [(digit.png, digit.label) for digit in corpora.digits(test=False)]


def _read_digits(definition: Definition) -> Items:
    found = corpora.digits(test=definition.dataset.split == "test")
    return Items(
        inputs=[{"id": str(digit.index), "image": digit.png} for digit in found],
        gold=[{"id": str(digit.index), "label": digit.label} for digit in found],
    )


READERS: dict[tuple[str, str], Reader] = {(REPO, "image-classify"): _read_digits}
