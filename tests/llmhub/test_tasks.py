import pytest

from llmhub.celery import app
from llmhub.settings import CELERY_BEAT_SCHEDULE
from llmhub.tasks import prices_sync
from providers.models import Price
from tenants.models import OperatorAuditEntry

pytestmark = pytest.mark.django_db


def test_the_daily_task_takes_over_prices_and_leaves_one_audit_row(whole_catalog):
    Price.objects.filter(source="genai-prices").delete()
    prices_sync()
    prices_sync()
    assert Price.objects.filter(source="genai-prices").exists()
    entry = OperatorAuditEntry.objects.get(action="catalog.load")
    assert (entry.actor_kind, entry.actor_label) == ("task", "catalog.prices_sync")


def test_every_scheduled_task_exists():
    app.loader.import_default_modules()
    assert {entry["task"] for entry in CELERY_BEAT_SCHEDULE.values()} <= set(app.tasks)
