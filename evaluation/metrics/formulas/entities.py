"""Entities in IOB2 labels. Source: seqeval 1.2.2, mode="strict" with scheme IOB2; Sang and Veenstra 1999."""

from collections.abc import Sequence

Entity = tuple[int, int, str]  # first word, behind the last, type


def entities(labels: Sequence[str]) -> set[Entity]:
    """The entities of one sentence: B-X with all I-X behind it.

    An I that goes on from nothing, or from another type, is no entity.
    """
    found: set[Entity] = set()
    start = 0
    while start < len(labels):
        if not labels[start].startswith("B-"):
            start += 1
            continue
        kind = labels[start][2:]
        end = start + 1
        while end < len(labels) and labels[end] == f"I-{kind}":
            end += 1
        found.add((start, end, kind))
        start = end
    return found


def is_iob2(labels: Sequence[str]) -> bool:
    """Whether these names of labels mark entities, and can mark a beginning of each type."""
    marked = [label for label in labels if label != "O"]
    begun = {label[2:] for label in marked if label.startswith("B-")}
    return bool(begun) and all(label[:2] in ("B-", "I-") and label[2:] in begun for label in marked)
