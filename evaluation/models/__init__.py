"""Benchmarks, nodes, runs and scores."""

from evaluation.models.attempt import Attempt
from evaluation.models.benchmark import Benchmark
from evaluation.models.figure import Figure
from evaluation.models.head_files import HeadFiles
from evaluation.models.item_column import ItemColumn
from evaluation.models.node import Node
from evaluation.models.run import AutomaticCheck, Run, RunOutput
from evaluation.models.score import Record, Score
from evaluation.models.sentinel import Baseline, Sentinel, SentinelCheck
from evaluation.models.turn import Turn

__all__ = [
    "Attempt", "AutomaticCheck", "Baseline", "Benchmark", "Figure", "HeadFiles", "ItemColumn", "Node", "Record", "Run",
    "RunOutput", "Score", "Sentinel", "SentinelCheck", "Turn",
]  # fmt: skip
