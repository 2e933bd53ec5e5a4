"""Where items come from: one file per source, each with its readers by (dataset, request)."""

from evaluation.benchmarks.items import Reader
from evaluation.benchmarks.sources import (
    django_catalogues,
    generated_scenes,
    generated_sounds,
    manual_language,
    python_code,
    python_manual,
    sklearn_digits,
)

READERS: dict[tuple[str, str], Reader] = {
    **django_catalogues.READERS,
    **generated_scenes.READERS,
    **generated_sounds.READERS,
    **manual_language.READERS,
    **python_code.READERS,
    **python_manual.READERS,
    **sklearn_digits.READERS,
}
