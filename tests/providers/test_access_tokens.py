import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmhub.base.secret import Secret
from providers.access_tokens import AccessTokens
from providers.protocols.failures import FailureKind, ProviderError
from providers.protocols.openai import OpenAI
from providers.protocols.vertex import Vertex
from providers.protocols.wire import Target
from providers.transport import Transport
from tests.provider_server import ProviderServer, Reply
from tests.providers.protocols.vertex.keys import key_file

VERTEX = Vertex()
PATH = "/token"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def token(text: str, lifetime_s: int = 3600) -> Reply:
    return Reply(body={"access_token": text, "expires_in": lifetime_s, "token_type": "Bearer"})


def target(provider: ProviderServer, email: str = "alice@example.com") -> Target:
    key = key_file(token_uri=provider.url.removesuffix("/v1") + PATH, client_email=email)
    return Target("", {"google_service_account_key": Secret(key)})


def granted(of: Target) -> Any:
    return of.credentials["access_token"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def tokens(transport: Transport, clock: Clock) -> AsyncIterator[AccessTokens]:
    made = AccessTokens(transport, clock)
    yield made
    await made.close()


async def test_a_protocol_that_wants_no_token_keeps_its_target(tokens: AccessTokens) -> None:
    given = Target("https://api.example.com/v1", {"api_key": Secret("sk-key")})
    assert await tokens.authorized(OpenAI(), given) is given


async def test_calls_at_the_same_time_share_one_exchange(
    tokens: AccessTokens, provider: ProviderServer
) -> None:
    provider.script(PATH, token("first"))
    given = target(provider)
    all_of_them = await asyncio.gather(*[tokens.authorized(VERTEX, given) for _ in range(20)])
    assert {granted(each) for each in all_of_them} == {Secret("first")}
    assert len(provider.seen) == 1
    again = await tokens.authorized(VERTEX, target(provider))
    assert granted(again) == Secret("first")
    assert (
        again.credentials["google_service_account_key"]
        == given.credentials["google_service_account_key"]
    )
    assert len(provider.seen) == 1


async def test_nobody_gets_what_was_granted_to_somebody_else(
    tokens: AccessTokens, provider: ProviderServer
) -> None:
    provider.script(PATH, token("alices"), token("charlies"))
    alices = await tokens.authorized(VERTEX, target(provider))
    charlies = await tokens.authorized(VERTEX, target(provider, "charlie@example.com"))
    assert (granted(alices), granted(charlies)) == (Secret("alices"), Secret("charlies"))


async def test_a_new_token_is_fetched_while_the_old_one_still_works(
    tokens: AccessTokens, provider: ProviderServer, clock: Clock
) -> None:
    provider.script(PATH, token("first"), token("second"))
    given = target(provider)
    await tokens.authorized(VERTEX, given)
    clock.now += 2879
    assert granted(await tokens.authorized(VERTEX, given)) == Secret("first")
    assert len(provider.seen) == 1
    clock.now += 2
    meanwhile = await tokens.authorized(VERTEX, given)
    assert granted(meanwhile) == Secret("first")
    clock.now += 700
    assert granted(await tokens.authorized(VERTEX, given)) == Secret("second")
    assert len(provider.seen) == 2


async def test_a_refresh_that_fails_is_tried_again_until_the_old_token_is_spent(
    tokens: AccessTokens, provider: ProviderServer, clock: Clock
) -> None:
    provider.script(PATH, token("first"), Reply(status=503), Reply(status=503))
    given = target(provider)
    await tokens.authorized(VERTEX, given)
    clock.now += 3000
    assert granted(await tokens.authorized(VERTEX, given)) == Secret("first")
    while tokens._pending:
        await asyncio.gather(*tokens._pending.values(), return_exceptions=True)
    assert granted(await tokens.authorized(VERTEX, given)) == Secret("first")
    assert len(provider.seen) == 2
    clock.now += 599
    with pytest.raises(ProviderError) as caught:
        await tokens.authorized(VERTEX, given)
    assert caught.value.failure.kind is FailureKind.OVERLOADED


async def test_a_failure_is_not_kept(tokens: AccessTokens, provider: ProviderServer) -> None:
    refused = {"error": "invalid_grant", "error_description": "Account disabled."}
    provider.script(PATH, Reply(status=400, body=refused), token("later"))
    with pytest.raises(ProviderError, match="Account disabled") as caught:
        await tokens.authorized(VERTEX, target(provider))
    assert caught.value.failure.kind is FailureKind.INVALID_KEY
    assert granted(await tokens.authorized(VERTEX, target(provider))) == Secret("later")


async def test_what_was_refused_is_forgotten(
    tokens: AccessTokens, provider: ProviderServer
) -> None:
    provider.script(PATH, token("revoked"), token("fresh"))
    first = await tokens.authorized(VERTEX, target(provider))
    tokens.forget(first)
    assert granted(await tokens.authorized(VERTEX, target(provider))) == Secret("fresh")


async def test_a_call_that_is_cancelled_takes_no_other_with_it(
    tokens: AccessTokens, provider: ProviderServer
) -> None:
    provider.script(PATH, token("shared"))
    given = target(provider)
    gone = asyncio.create_task(tokens.authorized(VERTEX, given))
    staying = asyncio.create_task(tokens.authorized(VERTEX, given))
    await asyncio.sleep(0)
    gone.cancel()
    assert granted(await staying) == Secret("shared")
    assert len(provider.seen) == 1


async def test_closing_ends_what_is_under_way(
    tokens: AccessTokens, provider: ProviderServer
) -> None:
    provider.script(PATH, Reply(hang=True))
    waiting = asyncio.create_task(tokens.authorized(VERTEX, target(provider)))
    await asyncio.sleep(0)
    await tokens.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_nothing_of_it_is_logged_or_shown(
    tokens: AccessTokens, provider: ProviderServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.script(PATH, token("ya29-canary"))
    given = await tokens.authorized(VERTEX, target(provider))
    assert "canary" not in caplog.text
    assert "canary" not in repr(given)
    assert "PRIVATE" not in repr(given)
