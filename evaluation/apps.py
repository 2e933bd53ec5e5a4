"""App registration."""

from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "evaluation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The catalogue does not know of scores; its activity shows them nevertheless."""
        from catalog.queries import activity as catalogue
        from evaluation.queries import activity

        catalogue.add_source(activity.scores)
