"""The gateway of one process: what is built once, and the steps that each call goes through."""

import asyncio
from typing import Any

import orjson
from django.conf import settings

from gateway.admit import Admission, Admissions, CallAdmission, Unresolved, Wish
from gateway.authenticate import token_hash_of
from gateway.bill import bill
from gateway.call import CALLER_GONE, CALLER_GONE_STATUS, Call
from gateway.caller import Caller, CallerGone
from gateway.count_tokens import PromptAsk, prompt_count
from gateway.current import CurrentSnapshots
from gateway.endpoints import Endpoint
from gateway.endpoints.text import MESSAGES
from gateway.errors import GatewayError, ProviderFailed, TooBusy
from gateway.execute import execute
from gateway.local_limits import LocalLimits
from gateway.me import me_get
from gateway.models_list import model_get, models_list
from gateway.relay import Relay
from gateway.request_body import Payload, payload_read
from gateway.reservations import Refused, Reservation, Reservations
from gateway.resolve import models_resolve, route_name
from gateway.retained import Retained
from gateway.settle import Settlements
from gateway.snapshot_cache import SnapshotCache
from gateway.sync_units import SyncUnits
from gateway.valkey_address import valkey_address
from gateway.valkey_client import ValkeyClient
from llmhub.base.errors import HubError
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
        retained, local = Retained(), LocalLimits()
        self._reservations = Reservations(self._valkey, self._units, retained, local)
        current = CurrentSnapshots(cache, self._valkey, self._units)
        self._admissions = Admissions(current, self._units, self._reservations)
        self._settlements = Settlements(
            self._valkey, self._units, retained, local, self._reservations
        )

    async def open(self) -> None:
        await self._valkey.open()
        await self._transport.__aenter__()
        self._reservations.open()
        self._settlements.open()

    async def close(self) -> None:
        await self._reservations.close()
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

    async def show_me(self, caller: Caller) -> None:
        admission = await self._admissions.admit(token_hash_of(caller), _MAY_LIST)
        await _respond_json(caller, await me_get(admission, self._units))

    async def count_prompt(self, caller: Caller) -> None:
        """How long a prompt would be: nothing is generated, and nothing billed."""
        token_hash = token_hash_of(caller)
        await self._admissions.require_known(token_hash)
        payload = await payload_read(caller)
        MESSAGES.check(payload)
        admission = await self._admissions.admit(token_hash, _MAY_CALL)
        models = models_resolve(
            admission.snapshot, admission.token, MESSAGES.model_type, payload.get("model")
        )
        ask = PromptAsk(payload, MESSAGES.headers_of(caller), caller.request_id)
        counted = await prompt_count(ask, models[0], self._transport, self._units)
        await caller.respond(200, counted.headers, counted.body)

    async def call_model(self, caller: Caller, endpoint: Endpoint) -> None:
        """The whole way of a call, from its token to its settlement."""
        token_hash = token_hash_of(caller)
        await self._admissions.require_known(token_hash)
        payload = await endpoint.take(caller)
        endpoint.check(payload)
        if self._settlements.is_full:
            raise TooBusy("Usage cannot be stored at the moment.", retry_after_s=5)
        wish = Wish(
            caller.request_id,
            token_hash,
            _MAY_CALL,
            payload,
            lambda snapshot, token: models_resolve(
                snapshot, token, endpoint.model_type, payload.get("model")
            ),
        )
        try:
            admission = await self._admissions.admit_call(wish)
        except Refused as refused:
            caller.extra_headers += refused.headers
            raise refused.error from None
        except Unresolved as refused:
            call = _call(caller, refused.admission, endpoint, payload)
            await self._record_refusal(call, refused.error)
            raise refused.error from None
        if admission.reservation is not None:
            caller.extra_headers += admission.reservation.headers
        call = _call(caller, admission, endpoint, payload)
        await self._carry_out(caller, call, admission)

    async def _carry_out(self, caller: Caller, call: Call, admission: CallAdmission) -> None:
        """Whatever happens, the call is settled once."""
        reservation = admission.reservation
        relay = Relay(caller)
        try:
            with caller.cancelled_when_gone():
                response = await execute(call, admission.models, self._transport, relay)
        except CallerGone:
            await self._settle(call, reservation, is_caller_gone=True)
            return
        except asyncio.CancelledError:
            # The server stops and does not wait any longer; the provider will bill all the same.
            await asyncio.shield(self._settle(call, reservation, is_caller_gone=True))
            raise
        except HubError as failed:
            call.answered(failed.http_status, failed.code)
            await self._settle(call, reservation)
            raise failed from None
        except Exception:
            call.answered(HubError.http_status, HubError.code)
            await self._settle(call, reservation)
            raise
        await self._finish(call, reservation, relay, response)

    async def _record_refusal(self, call: Call, refused: GatewayError) -> None:
        if refused.is_recorded:
            call.answered(refused.http_status, refused.code)
            await self._settlements.settle(call)

    async def _finish(
        self,
        call: Call,
        reservation: Reservation | None,
        relay: Relay,
        response: ProviderResponse,
    ) -> None:
        broken = call.attempts[-1].failure
        call.answered(200, "" if broken is None else ProviderFailed(broken, "").code)
        try:
            await self._settle(call, reservation)
            await relay.finish()
            if broken is None:
                await response.drain()
        finally:
            response.close()

    async def _settle(
        self, call: Call, reservation: Reservation | None, *, is_caller_gone: bool = False
    ) -> None:
        if is_caller_gone:
            call.answered(CALLER_GONE_STATUS, CALLER_GONE)
        await bill(call, self._units, is_caller_gone=is_caller_gone)
        await self._settlements.settle(call, reservation)


def _call(caller: Caller, admission: Admission, endpoint: Endpoint, payload: Payload) -> Call:
    return Call(
        caller.request_id,
        admission.snapshot.tenant_id,
        admission.platform_id,
        admission.token,
        endpoint,
        payload,
        path=caller.scope["path"],
        route=route_name(admission.snapshot, endpoint.model_type, payload.get("model")),
        text_seal=admission.snapshot.text_seal,
        headers=endpoint.headers_of(caller),
    )


async def _respond_json(caller: Caller, content: Any) -> None:
    await caller.respond(200, [(b"content-type", b"application/json")], orjson.dumps(content))
