"""App registration."""

from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "evaluation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The catalogue does not know of scores; its activity and the Hub API show them nevertheless."""
        from catalog.queries import activity as catalogue
        from catalog.queries import measured_results
        from evaluation.queries import activity, exports

        catalogue.add_source(activity.scores)
        measured_results.add_source(exports.measured)
