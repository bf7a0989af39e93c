"""Writes event streams as the service does. The official client reads them in test_sdk.py."""

import json
import struct
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    body = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    lengths = struct.pack(">II", 16 + len(body) + len(payload), len(body))
    data = lengths + struct.pack(">I", crc32(lengths)) + body + payload
    return data + struct.pack(">I", crc32(data))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack(">B", len(name)) + name + struct.pack(">BH", 7, len(value)) + value


def event(kind: str, content: Any) -> bytes:
    headers = {
        ":event-type": kind,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return message(headers, json.dumps(content, ensure_ascii=False).encode())


def exception(kind: str, words: str) -> bytes:
    headers = {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return message(headers, json.dumps({"message": words}).encode())


def stream(events: Iterable[Mapping[str, Any]]) -> bytes:
    """Each event is an object with its kind as the only key."""
    return b"".join(event(kind, content) for each in events for kind, content in each.items())
