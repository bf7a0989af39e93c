"""The management API as its clients see it: HTTP in, status and JSON out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.test import Client


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def details(self) -> Any:
        return self.body["details"]

    @property
    def message(self) -> str:
        return self.body["retmsg"]

    @property
    def error(self) -> Any:
        return self.body["error"]

    @property
    def code(self) -> str:
        return self.body["error"]["code"]

    def require_success(self) -> "Answer":
        assert (self.status, self.body["retcode"]) == (200, 0), self.raw
        return self

    def require_failure(self, status: int) -> "Answer":
        """Every failure has the same shape, whatever it is."""
        assert self.status == status, self.raw
        assert set(self.body) == {"retcode", "retmsg", "data", "error"}
        assert (self.body["retcode"], self.body["data"]) == (1, None)
        assert self.message
        assert set(self.error) == {"code", "details"}
        return self


@dataclass
class Api:
    """Paths are below /llm/. `token` is sent as the bearer token, where there is one."""

    token: str = ""
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **query: Any) -> Answer:
        return self.send("GET", path, query=query)

    def post(self, path: str, body: Any = None, **query: Any) -> Answer:
        return self.send("POST", path, body, query=query)

    def put(self, path: str, body: Any) -> Answer:
        return self.send("PUT", path, body)

    def patch(self, path: str, body: Any) -> Answer:
        return self.send("PATCH", path, body)

    def delete(self, path: str, **query: Any) -> Answer:
        return self.send("DELETE", path, query=query)

    def send(
        self,
        verb: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """`body`: bytes as they are, anything else as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        given = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        response = self.client.generic(
            verb,
            f"/llm/{path}",
            raw,
            content_type=content_type,
            headers={**given, **self.headers, **(headers or {})},
            query_params=dict(query or {}),
        )
        raw = b"".join(response) if response.streaming else response.content
        return Answer(response.status_code, response.headers, raw)
