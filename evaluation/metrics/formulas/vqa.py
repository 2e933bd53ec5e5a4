"""VQA accuracy: an answer is right as far as people agree with it. Source: Antol et al. 2015."""

from collections.abc import Sequence

AGREEING = 3  # people who make an answer entirely right


def vqa_accuracy(answers: Sequence[str], found: str) -> float:
    """0–1, averaged over leaving one person out at a time."""
    same = [answer == found for answer in answers]
    return sum(min(1.0, (sum(same) - own) / AGREEING) for own in same) / len(same)
