"""Wiring: settings, URLs, Celery, the web server, and `up`, which runs them all."""

from marketplace.celery import app as celery_app

__all__ = ["celery_app"]
