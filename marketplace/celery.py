"""The Celery application: `celery -A marketplace`."""

import os
from pathlib import Path

from celery import Celery
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

app = Celery("marketplace")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["catalog", "evaluation"])


@worker_ready.connect
def note_worker_ready(**_: object) -> None:
    """`up` and compose wait for this file."""
    if name := os.environ.get("WORKER_READY_FILE"):
        Path(name).touch()
