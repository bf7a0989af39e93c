from collections.abc import AsyncIterator

import pytest

from providers.transport import Transport
from tests.provider_server import ProviderServer
from tests.providers.calls import LOOPBACK


@pytest.fixture
async def provider() -> AsyncIterator[ProviderServer]:
    async with ProviderServer() as server:
        yield server


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    async with Transport(LOOPBACK) as opened:
        yield opened
