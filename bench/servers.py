"""A hub of one's own to measure beside, as durable as any: a temporary folder, no model."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.hub_process import HubProcess


@contextmanager
def hub_temporary() -> Iterator[None]:
    """Start it and set Django up on its servers, as commands beside `make up` do. Once for each
    process: settings are read once."""
    hub = HubProcess(HUB_MODEL="off", HUB_DEMO="off")
    try:
        hub.start()
        os.environ.clear()
        os.environ |= hub.environment | {"DJANGO_SETTINGS_MODULE": "llmhub.settings"}
        _django_setup()
        yield
    finally:
        hub.close()


def _django_setup() -> None:
    import django

    django.setup()
