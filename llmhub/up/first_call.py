"""Ready means that the first call works: the hub's health, the way to the model, the model itself.

The model is asked directly: a call through the gateway would be metered, and the demo tenant would
find tokens that it never used.
"""

import json
import time
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from llmhub.config import HubConfig
from llmhub.embedded.errors import StartFailed
from llmhub.embedded.model import ModelServer
from llmhub.embedded.processes import Pause, Process, wait_ready

_TIMEOUT_S = 60
_CALL_TIMEOUT_S = 30
_RETRY_S = 0.1
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - looked up


def hub_wait_healthy(config: HubConfig, web: Process, pause: Pause) -> None:
    """Wait until `/healthz/ready` says yes; raises StartFailed."""

    def is_healthy() -> bool:
        status, _ = _hub_request(config, "/healthz/ready")
        return status == 200

    wait_ready(web, is_healthy, timeout_s=_TIMEOUT_S, pause=pause)


def hub_wait_model(config: HubConfig, model: ModelServer, token: str, pause: Pause) -> None:
    """Wait until the gateway offers the built-in model to the token, and the model has spoken.

    Raises StartFailed with what was answered instead.
    """
    deadline = time.monotonic() + _TIMEOUT_S
    while (wrong := _what_is_missing(config, model, token)) is not None:
        if time.monotonic() > deadline:
            raise StartFailed(f"The built-in model does not answer: {wrong}")
        pause(_RETRY_S)


def _what_is_missing(config: HubConfig, model: ModelServer, token: str) -> str | None:
    status, offered = _hub_request(config, "/v1/models", token)
    if status != 200 or not offered["data"]:
        return str(offered)
    status, answer = _model_chat(model)
    return None if status == 200 and answer["choices"] else str(answer)


def _hub_request(config: HubConfig, path: str, token: str = "") -> tuple[int, Any]:
    host = _EVERY_ADDRESS.get(config.hub_host, config.hub_host)
    connection = HTTPConnection(host, config.hub_port, timeout=_CALL_TIMEOUT_S)
    # The one name that the hub surely answers to.
    headers = {"Host": urlsplit(config.public_url).netloc}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return _exchange(connection, "GET", path, None, headers)


def _model_chat(model: ModelServer) -> tuple[int, Any]:
    parts = urlsplit(model.base_url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_CALL_TIMEOUT_S)
    headers = {"Authorization": f"Bearer {model.api_key}", "Content-Type": "application/json"}
    body = {"max_tokens": 4, "messages": [{"role": "user", "content": "Say hello."}]}
    path = f"{parts.path}/chat/completions"
    return _exchange(connection, "POST", path, json.dumps(body), headers)


def _exchange(
    connection: HTTPConnection, method: str, path: str, body: str | None, headers: dict[str, str]
) -> tuple[int, Any]:
    """Status and JSON of the answer; status 0 where there is none."""
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")
    except (OSError, HTTPException, ValueError) as error:
        return 0, str(error)
    finally:
        connection.close()
