"""How written texts are judged: one file per family, with `MEASURES`. What the numbers mean is in `metrics.registry`.

A new metric of the request `generate` is a line here and one in its family of the registry.
"""

from evaluation.metrics.texts import lengths, matching, summaries, translations
from evaluation.metrics.texts.measure import Measure

MEASURES: dict[str, Measure] = {
    **lengths.MEASURES,
    **matching.MEASURES,
    **summaries.MEASURES,
    **translations.MEASURES,
}
