"""Benchmarks, runs on nodes, scores people can trust."""
