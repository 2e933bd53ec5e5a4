"""Benchmarks, nodes, runs and scores."""

from evaluation.models.benchmark import Benchmark
from evaluation.models.node import Node
from evaluation.models.run import AutomaticCheck, Run, RunOutput
from evaluation.models.score import Record, Score

__all__ = ["AutomaticCheck", "Benchmark", "Node", "Record", "Run", "RunOutput", "Score"]
