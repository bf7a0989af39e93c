"""Fixtures that tests of every part use."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pytest_django.plugin import DjangoDbBlocker

from llmhub.embedded.model import MODEL_NAME, ModelServer
from llmhub.embedded.ports import free_port
from llmhub.embedded.processes import wait_ready
from tests.hub_process import HubProcess
from tests.servers import folder_make

pytest_plugins = ["tests.database", "tests.people", "tests.management"]


@dataclass(frozen=True)
class RunningModel:
    """A llama.cpp server that wants an API key, as a tenant may run one."""

    base_url: str
    api_key: str
    model: str


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The test database, also for tests without the `django_db` mark: those that commit."""
    from django.db import connections
    from django.test.utils import setup_databases, teardown_databases

    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"})
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def model_server() -> Iterator[RunningModel]:
    """A real model behind an API key, on a port of its own; started by the first test to ask."""
    folder = folder_make()
    server = ModelServer(port=free_port(), api_key="sk-the-tenants-own-llama-key")
    try:
        process = folder.start(server.program())
        wait_ready(process, server.is_ready, timeout_s=60)
        yield RunningModel(server.base_url, server.api_key, MODEL_NAME)
    finally:
        folder.close()


@pytest.fixture(scope="module")
def running_hub() -> Iterator[HubProcess]:
    """A real hub with its own servers, started and ready; one for all tests of a module.

    A test may stop or kill it: one that needs it running calls `start()`.
    """
    hub = HubProcess()
    try:
        hub.start()
        yield hub
    finally:
        hub.close()
