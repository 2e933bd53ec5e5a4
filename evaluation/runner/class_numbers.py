"""Classes that a benchmark compares by number, since every model calls them something else. No torch here."""

from collections.abc import Sequence


def are_numbers(names: Sequence[str]) -> bool:
    """Whether the labels are #0, #1, #2, …: class i is output i of the model, whatever its name (ADR 0022)."""
    return len(names) > 1 and all(name == f"#{number}" for number, name in enumerate(names))
