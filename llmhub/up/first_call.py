"""Ready means that the first call works: the hub's own health, then a real chat call."""

import json
import time
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from llmhub.config import HubConfig
from llmhub.embedded.errors import StartFailed
from llmhub.embedded.model import MODEL_NAME
from llmhub.embedded.processes import Pause, Process, wait_ready

_TIMEOUT_S = 60
_CALL_TIMEOUT_S = 30
_RETRY_S = 0.1
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - looked up


def hub_wait_healthy(config: HubConfig, web: Process, pause: Pause) -> None:
    """Wait until `/healthz/ready` says yes; raises StartFailed."""

    def is_healthy() -> bool:
        status, _ = _request(config, "GET", "/healthz/ready")
        return status == 200

    wait_ready(web, is_healthy, timeout_s=_TIMEOUT_S, pause=pause)


def hub_call_model(config: HubConfig, token: str, pause: Pause) -> str:
    """Chat with the built-in model as the demo tenant; gives its words. Raises StartFailed."""
    body = {
        "model": MODEL_NAME,
        "max_tokens": 8,
        "messages": [{"role": "user", "content": "Say hello."}],
    }
    deadline = time.monotonic() + _TIMEOUT_S
    while True:
        status, answer = _request(config, "POST", "/v1/chat/completions", token, body)
        if status == 200:
            return str(answer["choices"][0]["message"]["content"])
        if time.monotonic() > deadline:
            raise StartFailed(f"The built-in model does not answer through the hub: {answer}")
        pause(_RETRY_S)


def _request(
    config: HubConfig, method: str, path: str, token: str = "", body: object = None
) -> tuple[int, Any]:
    """Status and JSON of the answer; status 0 where there is none."""
    host = _EVERY_ADDRESS.get(config.hub_host, config.hub_host)
    connection = HTTPConnection(host, config.hub_port, timeout=_CALL_TIMEOUT_S)
    # The one name that the hub surely answers to.
    named = urlsplit(config.public_url).netloc
    headers = {"Host": named, "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")
    except (OSError, HTTPException, ValueError) as error:
        return 0, str(error)
    finally:
        connection.close()
