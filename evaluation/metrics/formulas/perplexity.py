"""Perplexity: among how many equally likely ones a model seems to choose."""

import math

LARGEST_EXPONENT = 700.0  # beyond, e ** x is no float


def perplexity(nats: float) -> float:
    """From the mean surprise; finite however hopeless the model."""
    return math.exp(min(nats, LARGEST_EXPONENT))
