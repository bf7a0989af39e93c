"""Requests as they are, where the official client would tidy them up."""

import http.client
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.gateway.server import RunningGateway

CHAT = "/v1/chat/completions"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The stable code of an error in OpenAI's shape."""
        error = self.json["error"]
        assert error.keys() >= {"message", "type", "param", "code"}
        return str(error["code"])


def request(
    gateway: RunningGateway,
    method: str,
    path: str,
    *,
    token: str = "",
    body: Any = None,
    raw: bytes | Iterable[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """`body` goes as JSON, `raw` as it is; an iterable is sent in chunks."""
    sent = {"authorization": f"Bearer {token}"} if token else {}
    content = json.dumps(body).encode() if raw is None and body is not None else raw
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    try:
        connection.request(method, path, body=content, headers={**sent, **(headers or {})})
        reply = connection.getresponse()
        named = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, named, reply.read())
    finally:
        connection.close()


def chat(
    gateway: RunningGateway, token: str, model: str | None = "test-chat", **more: Any
) -> Answer:
    body = {"messages": [{"role": "user", "content": "Hello"}], **more}
    if model is not None:
        body["model"] = model
    return request(gateway, "POST", CHAT, token=token, body=body)
