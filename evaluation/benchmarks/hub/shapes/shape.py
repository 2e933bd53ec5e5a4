"""What every shape is."""

from collections.abc import Callable

from evaluation.benchmarks.hub.source import Source
from evaluation.benchmarks.items import Items

Shape = Callable[[Source], Items]
