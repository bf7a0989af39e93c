"""The Celery application: `celery -A llmhub.celery worker` and `... beat`."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmhub.settings")

app = Celery("llmhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
@beat_init.connect
def _tell_ready(**_: Any) -> None:
    """`make up` waits for the file that it names here."""
    path = os.environ.get("HUB_READY_FILE")
    if path:
        Path(path).touch()
