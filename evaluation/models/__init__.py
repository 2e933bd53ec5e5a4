"""Benchmarks, nodes, runs and scores."""

from evaluation.models.benchmark import Benchmark
from evaluation.models.node import Node
from evaluation.models.run import Run
from evaluation.models.score import Record, Score

__all__ = ["Benchmark", "Node", "Record", "Run", "Score"]
