"""Where items come from: one file per source, each with its readers by (dataset, request)."""

from collections.abc import Callable

from evaluation.benchmarks.items import Reader, Row
from evaluation.benchmarks.schema import Definition
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

# Rows of a split as they are, for harnesses that make items of their own: by dataset.
RECORDS: dict[str, Callable[[Definition, str], list[Row]]] = {manual_language.REPO: manual_language.records}
