"""Reads what Ollama answers, whole or line by line. https://docs.ollama.com/api/chat"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from providers.protocols.chat.answer import (
    FINISH_LENGTH,
    FINISH_STOP,
    FINISH_TOOLS,
    choice_make,
    completion_make,
    message_make,
    tool_call_make,
)
from providers.protocols.chat.chunk_reader import ForeignStream
from providers.protocols.failures import ProviderError, bad_reply
from providers.protocols.ndjson import LineParser
from providers.protocols.openai.errors import failure_in_stream
from providers.protocols.openai.replies import reply_object
from providers.protocols.usage import NOT_REPORTED, UsageReport, usage_make
from providers.protocols.vectors import reply_of_vectors
from providers.protocols.wire import ChatReply, EmbeddingReply


class Said(NamedTuple):
    """What one message, or a piece of it, says."""

    text: str
    thought: str
    tool_calls: list[dict[str, Any]]

    @property
    def generated(self) -> str:
        calls = (f"{c['function']['name']}{c['function']['arguments']}" for c in self.tool_calls)
        return self.text + self.thought + "".join(calls)


def chat_parse(body: bytes) -> ChatReply:
    reply = reply_object(body)
    if reply.get("done") is not True:
        raise bad_reply("the reply is not complete")
    said = said_in(reply)
    finish = finish_of(reply, has_called=bool(said.tool_calls))
    usage = usage_of(reply).usage
    message = message_make(said.text, said.thought, said.tool_calls)
    choice = choice_make(message, finish, logprobs=logprobs_of(reply))
    completion = completion_make([choice], usage, model=str(reply.get("model") or ""))
    return ChatReply(said.generated, finish, usage, completion)


def said_in(reply: Mapping[str, Any]) -> Said:
    message = reply.get("message")
    if not isinstance(message, dict):
        raise bad_reply("the reply holds no message")
    calls = message.get("tool_calls") or ()
    return Said(
        _text(message, "content"), _text(message, "thinking"), [_tool_call(call) for call in calls]
    )


def _text(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    return value if isinstance(value, str) else ""


def _tool_call(call: Any) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not name:
        raise bad_reply("a tool call of the reply has no name")
    arguments = orjson.dumps(function.get("arguments") or {}).decode()
    return tool_call_make(str(call.get("id") or ""), name, arguments)


def finish_of(reply: Mapping[str, Any], *, has_called: bool) -> str:
    if reply.get("done_reason") == "length":
        return FINISH_LENGTH
    return FINISH_TOOLS if has_called else FINISH_STOP


def logprobs_of(reply: Mapping[str, Any]) -> dict[str, Any] | None:
    found = reply.get("logprobs")
    return {"content": found, "refusal": None} if isinstance(found, list) else None


def usage_of(reply: Mapping[str, Any]) -> UsageReport:
    """A prompt that was in the cache as a whole is not counted by older versions: then nothing is
    reported, and the hub counts."""
    prompt = reply.get("prompt_eval_count")
    if prompt is None:
        return NOT_REPORTED
    return usage_make(prompt, reply.get("eval_count") or 0)


def usage_parse(reply: bytes | Mapping[str, Any]) -> UsageReport:
    """Never raises: what does not parse reports none."""
    if isinstance(reply, bytes):
        try:
            reply = orjson.loads(reply)
        except orjson.JSONDecodeError:
            return NOT_REPORTED
    return usage_of(reply) if isinstance(reply, Mapping) else NOT_REPORTED


def embedding_parse(body: bytes) -> EmbeddingReply:
    """https://docs.ollama.com/api/embed"""
    reply = reply_object(body)
    if not isinstance(reply.get("embeddings"), list):
        raise bad_reply("the reply does not hold an embedding")
    return reply_of_vectors(reply["embeddings"], usage_of(reply).usage)


class OllamaChunkReader(ForeignStream):
    """Done with the line that says so."""

    __slots__ = ("_calls", "_is_done", "_is_started", "_parser")

    def __init__(self) -> None:
        super().__init__()
        self._parser = LineParser()
        self._calls = 0
        self._is_done = False
        self._is_started = False

    @property
    def is_done(self) -> bool:
        return self._is_done and self._failure is None

    @property
    def has_end_marker(self) -> bool:
        return self._is_done

    def _take(self, chunk: bytes, given: list[dict[str, Any]]) -> None:
        for line in self._parser.feed(chunk):
            self._read(line, given)

    def _end(self, given: list[dict[str, Any]]) -> None:
        for line in self._parser.end():
            self._read(line, given)

    def _read(self, line: dict[str, Any], given: list[dict[str, Any]]) -> None:
        if self._is_done:
            return
        if line.get("error"):
            raise ProviderError(failure_in_stream(line))
        said = said_in(line)
        self._writer.begin(model=str(line.get("model") or ""))
        self._texts.append(said.generated)
        delta, logprobs = self._delta(said), logprobs_of(line)
        if delta or logprobs:
            given.append(self._writer.chunk(delta, logprobs=logprobs))
        if line.get("done") is True:
            self._usage = usage_of(line)
            self._is_done = True
            given.append(self._writer.chunk({}, finish_of(line, has_called=self._calls > 0)))

    def _delta(self, said: Said) -> dict[str, Any]:
        delta: dict[str, Any] = {} if self._is_started else {"role": "assistant", "content": ""}
        self._is_started = True
        if said.text:
            delta["content"] = said.text
        if said.thought:
            delta["reasoning_content"] = said.thought
        if said.tool_calls:
            first = self._calls
            self._calls += len(said.tool_calls)
            delta["tool_calls"] = [
                {"index": first + i, **call} for i, call in enumerate(said.tool_calls)
            ]
        return delta
