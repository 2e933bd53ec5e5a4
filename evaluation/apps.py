"""App registration."""

from pathlib import Path

from django.apps import AppConfig
from django.conf import settings


class EvaluationConfig(AppConfig):
    name = "evaluation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The catalogue does not know of scores; its activity and the Hub API show them nevertheless."""
        from catalog.queries import activity as catalogue
        from catalog.queries import measured_results
        from evaluation import harnesses
        from evaluation.benchmarks import readers
        from evaluation.queries import activity, exports

        recordings = Path(settings.DATA_DIR) / "recordings"
        readers.use_harness(lambda definition, files: harnesses.items_of(definition, recordings, files))

        catalogue.add_source(activity.scores)
        measured_results.add_source(exports.measured)
