"""One way to change an input without changing what is right."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T", str, bytes)
Column = Literal["text", "image", "audio"]


@dataclass(frozen=True, kw_only=True)
class PerturbationKind(Generic[T]):
    """What a definition may name under `perturbations`."""

    name: str
    column: Column
    description: str  # what is done, and what `p` means; shown
    p: float  # where the definition says nothing
    change: Callable[[T, random.Random, float], T]
    language: str = ""  # it knows the words of this one only
    by_word: bool = False  # a word by itself may be changed and stays one word
