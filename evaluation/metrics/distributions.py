"""Quantiles and probabilities of the textbook distributions; scipy computes them.

Every process of the site imports the metrics, few compute an interval: scipy, a quarter of a second to import, comes at
the first call.
"""


def normal_quantile(probability: float) -> float:
    from scipy.special import ndtri  # type: ignore[import-untyped]  # scipy has no types

    return float(ndtri(probability))


def t_quantile(free: int, probability: float) -> float:
    """Of Student's t with that many degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(free, probability))


def binomial_probability(at_most: int, tries: int, chance: float) -> float:
    """Of so many successes or fewer."""
    from scipy.special import bdtr

    return float(bdtr(at_most, tries, chance))
