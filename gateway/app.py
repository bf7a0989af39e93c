"""The gateway as an ASGI application: /v1 and /v2 and nothing else, outside Django's request stack.

`uvicorn gateway.app:application` runs it alone; llmhub/asgi.py puts it beside Django.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import django
from django.apps import apps
from django.conf import settings

from gateway.caller import Caller, CallerGone, Receive, Scope, Send
from gateway.ids import uuid7
from llmhub.base.errors import HubError
from llmhub.base.pooler import pooler_refuse_at_start

if not apps.ready:
    django.setup()

from gateway.endpoints import ENDPOINTS
from gateway.error_answer import error_answer
from gateway.errors import NothingHere, WrongMethod
from gateway.hub import Gateway

logger = logging.getLogger(__name__)

_COUNT = "/v1/messages/count_tokens"
_LIST = "/v1/models"
_ME = "/v1/me"
_MODEL = "/v1/models/"

Lifespan = Callable[[], Awaitable[None]]


class Application:
    """One for each process; the gateway behind it opens with the server's start-up."""

    def __init__(self) -> None:
        self._gateway: Gateway | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await lifespan(receive, send, self.open, self.close)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def open(self) -> None:
        """Raises PoolerFound: behind one, a snapshot could hold another tenant's keys."""
        await asyncio.to_thread(pooler_refuse_at_start, settings.HUB.database_url)
        self._gateway = Gateway()
        await self._gateway.open()

    async def close(self) -> None:
        if self._gateway is not None:
            await self._gateway.close()
            self._gateway = None

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = Caller(scope, receive, send, uuid7())
        try:
            await self._route(caller)
        except HubError as error:
            await error_answer(caller, error)
        except CallerGone:
            return
        except Exception:
            logger.exception("unforeseen error in call %s", caller.request_id)
            if caller.has_started:
                raise
            await error_answer(caller, _unforeseen(caller))
        finally:
            caller.end()

    async def _route(self, caller: Caller) -> None:
        path, method = caller.scope["path"], caller.scope["method"]
        endpoint = ENDPOINTS.get(path)
        is_read = path in (_LIST, _ME) or path.startswith(_MODEL)
        if endpoint is None and not is_read and path != _COUNT:
            raise NothingHere(f"There is nothing at {quote(path)}.", code="unknown_path")
        allowed = ("GET", "HEAD") if is_read else ("POST",)
        if method == "OPTIONS":
            allow = ", ".join((*allowed, "OPTIONS")).encode()
            await caller.start(204, [(b"allow", allow)])
            await caller.write(b"", more=False)
            return
        if method not in allowed:
            raise WrongMethod(", ".join(allowed))
        if self._gateway is None:
            raise RuntimeError("the server did not run the application's lifespan")
        if endpoint is not None:
            await self._gateway.call_model(caller, endpoint)
        elif path == _LIST:
            await self._gateway.list_models(caller)
        elif path == _ME:
            await self._gateway.show_me(caller)
        elif path == _COUNT:
            await self._gateway.count_prompt(caller)
        else:
            await self._gateway.show_model(caller, path.removeprefix(_MODEL))


async def lifespan(receive: Receive, send: Send, start: Lifespan, stop: Lifespan) -> None:
    """https://asgi.readthedocs.io/en/latest/specs/lifespan.html"""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await start()
            except Exception as error:
                # What is raised here, a server may take for: has no lifespan, goes on without.
                logger.exception("the gateway does not start")
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _unforeseen(caller: Caller) -> HubError:
    return HubError(
        f"Something went wrong on our side. Tell your operator the id {caller.request_id}.",
        details={"id": str(caller.request_id)},
    )


application = Application()
