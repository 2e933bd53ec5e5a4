"""Labelled images of two splits: a probe learns on one and is judged on the other."""

from evaluation.benchmarks.hub.source import Source
from evaluation.benchmarks.items import Items, MediaSource, Row


def images(source: Source) -> Items:
    """Fields: image, target; `dataset.fewshot_split` is what the probe learns from, `train` where it names none."""
    learned = source.definition.dataset.fewshot_split or "train"
    inputs: list[Row] = []
    gold: list[Row] = []
    readers: list[MediaSource] = []
    count = 0
    for part, split in (("train", learned), ("test", None)):
        for entry in source.entries(split=split, without=("image",)):
            key = f"{part} {entry.key}"
            count += part == "test"
            inputs.append({"id": key, "image": entry.located()})
            gold.append({"id": key, "label": entry.label(), "split": part, **entry.extras()})
        readers.append(source.media("image", split=split, prefix=f"{part} "))
    return Items(
        inputs=inputs,
        gold=gold,
        rows=count,
        media=lambda chosen: (found for read in readers for found in read(chosen)),
    )
