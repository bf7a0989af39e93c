"""The management API as a script would call it: HTTP and JSON, nothing of the hub's own code."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any

    @property
    def data(self) -> Any:
        assert self.body["retcode"] == 0, self.body
        return self.body["data"]


class LLMApi:
    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def get(self, path: str) -> Answer:
        return self._send("GET", path, None)

    def post(self, path: str, **body: Any) -> Answer:
        return self._send("POST", path, body)

    def put(self, path: str, **body: Any) -> Answer:
        return self._send("PUT", path, body)

    def patch(self, path: str, **body: Any) -> Answer:
        return self._send("PATCH", path, body)

    def delete(self, path: str) -> Answer:
        return self._send("DELETE", path, None)

    def _send(self, method: str, path: str, body: Any) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._url + path, data=content, headers=self._headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return Answer(response.status, json.load(response))
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.load(error))
