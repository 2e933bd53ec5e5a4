"""App registration."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from catalog import actors
        from catalog.queries import activity, activity_sources

        user_logged_in.connect(actors.note_sign_in, dispatch_uid="catalog.note_sign_in")
        for source in (activity_sources.events, activity_sources.likes, activity_sources.tags):
            activity.add_source(source)
