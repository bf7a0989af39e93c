"""The gateway of one process: what is built once, and the steps that each call goes through."""

import asyncio
from typing import Any

import orjson
from django.conf import settings

from gateway.admit import Admissions
from gateway.authenticate import token_hash_of
from gateway.bill import bill
from gateway.call import CALLER_GONE, CALLER_GONE_STATUS, Call
from gateway.caller import Caller, CallerGone
from gateway.endpoints import Endpoint
from gateway.errors import GatewayError, ProviderFailed, TooBusy
from gateway.execute import execute
from gateway.models_list import model_get, models_list
from gateway.relay import PlainRelay, StreamRelay
from gateway.request_body import payload_read
from gateway.resolve import models_resolve, route_name
from gateway.settle import Settlements
from gateway.snapshot_cache import SnapshotCache
from gateway.sync_units import SyncUnits
from gateway.valkey_address import valkey_address
from gateway.valkey_client import ValkeyClient
from providers.response import ProviderResponse
from providers.transport import Transport

_MAY_CALL = ("inference",)
_MAY_LIST = ("inference", "read", "manage")


class Gateway:
    """Belongs to one event loop. `open` before the first call, `close` after the last."""

    def __init__(self) -> None:
        self._units = SyncUnits()
        self._valkey = ValkeyClient(valkey_address(settings.HUB.redis_url))
        self._transport = Transport(settings.HUB.hub_egress_allow)
        cache = SnapshotCache(self._units)
        self._admissions = Admissions(cache, self._valkey, self._units)
        self._settlements = Settlements(self._valkey, self._units)

    async def open(self) -> None:
        await self._valkey.open()
        await self._transport.__aenter__()
        self._settlements.open()

    async def close(self) -> None:
        await self._settlements.close()
        await self._transport.__aexit__(None, None, None)
        await self._valkey.close()
        self._units.close()

    async def list_models(self, caller: Caller) -> None:
        admission = await self._admissions.admit(token_hash_of(caller), _MAY_LIST)
        await _respond_json(caller, models_list(admission.snapshot, admission.token))

    async def show_model(self, caller: Caller, name: str) -> None:
        admission = await self._admissions.admit(token_hash_of(caller), _MAY_LIST)
        await _respond_json(caller, model_get(admission.snapshot, admission.token, name))

    async def call_model(self, caller: Caller, endpoint: Endpoint) -> None:
        """The whole way of a call, from its token to its settlement."""
        token_hash = token_hash_of(caller)
        await self._admissions.require_known(token_hash)
        payload = await payload_read(caller)
        endpoint.check(payload)
        if self._settlements.is_full:
            raise TooBusy("Usage cannot be stored at the moment.", retry_after_s=5)
        admission = await self._admissions.admit(token_hash, _MAY_CALL)
        snapshot, token = admission.snapshot, admission.token
        call = Call(
            caller.request_id,
            snapshot.tenant_id,
            admission.platform_id,
            token,
            endpoint,
            payload,
            path=caller.scope["path"],
            route=route_name(snapshot, endpoint.model_type, payload.get("model")),
            text_seal=snapshot.text_seal,
        )
        try:
            models = models_resolve(snapshot, token, endpoint.model_type, payload.get("model"))
        except GatewayError as refused:
            await self._record_refusal(call, refused)
            raise
        relay = StreamRelay(caller) if call.is_streamed else PlainRelay(caller)
        try:
            with caller.cancelled_when_gone():
                response = await execute(call, models, self._transport, relay)
        except CallerGone:
            await self._settle(call, is_caller_gone=True)
            return
        except asyncio.CancelledError:
            # The server stops and does not wait any longer; the provider will bill all the same.
            await asyncio.shield(self._settle(call, is_caller_gone=True))
            raise
        except ProviderFailed as failed:
            call.answered(failed.http_status, failed.code)
            await self._settle(call)
            raise failed from None
        await self._finish(call, relay, response)

    async def _record_refusal(self, call: Call, refused: GatewayError) -> None:
        if refused.is_recorded:
            call.answered(refused.http_status, refused.code)
            await self._settlements.settle(call)

    async def _finish(
        self, call: Call, relay: StreamRelay | PlainRelay, response: ProviderResponse
    ) -> None:
        broken = call.attempts[-1].failure
        call.answered(200, "" if broken is None else ProviderFailed(broken, "").code)
        await self._settle(call)
        await relay.finish()
        if call.attempts[-1].failure is None:
            await response.drain()
        response.close()

    async def _settle(self, call: Call, *, is_caller_gone: bool = False) -> None:
        if is_caller_gone:
            call.answered(CALLER_GONE_STATUS, CALLER_GONE)
        await bill(call, self._units, is_caller_gone=is_caller_gone)
        await self._settlements.settle(call)


async def _respond_json(caller: Caller, content: Any) -> None:
    await caller.respond(200, [(b"content-type", b"application/json")], orjson.dumps(content))
