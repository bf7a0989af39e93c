"""Follows the streams whose events carry a `type`: speech, transcripts and pictures.

https://platform.openai.com/docs/api-reference/audio/speech-audio-delta-event
https://platform.openai.com/docs/api-reference/audio/transcript-text-delta-event
https://platform.openai.com/docs/api-reference/images-streaming
"""

from dataclasses import replace
from typing import Any

import orjson

from providers.protocols.dialects.chat import chat_error_event
from providers.protocols.failures import ProviderError, ProviderFailure, bad_reply
from providers.protocols.openai.errors import failure_in_stream
from providers.protocols.sse import Event, EventParser
from providers.protocols.usage import Usage, UsageReport, usage_read

_LAST = frozenset({"speech.audio.done", "transcript.text.done"})
_PICTURE = frozenset({"image_generation.completed", "image_edit.completed"})


class EventStreamReader:
    """A StreamReader (see `providers.protocols.wire`). Events pass as they are, unknown ones too.

    A stream of pictures has one last event for each of them, and then just ends.
    """

    __slots__ = ("_failure", "_images", "_is_last_seen", "_known", "_parser", "_texts", "_usages")

    def __init__(self, known: Usage) -> None:
        self._known = known
        self._parser = EventParser()
        self._texts: list[str] = []
        self._usages: list[UsageReport] = []
        self._images = 0
        self._is_last_seen = False
        self._failure: ProviderFailure | None = None

    @property
    def usage_report(self) -> UsageReport:
        usages = [report.usage for report in self._usages]
        if None in usages:
            return UsageReport(None, is_impossible=True)
        return UsageReport(self._sum([usage for usage in usages if usage is not None]))

    @property
    def usage(self) -> Usage | None:
        return self.usage_report.usage

    @property
    def output_text(self) -> str:
        return "".join(self._texts)

    @property
    def is_done(self) -> bool:
        return self._failure is None and (self._is_last_seen or self._images > 0)

    @property
    def has_end_marker(self) -> bool:
        return self._is_last_seen

    @property
    def failure(self) -> ProviderFailure | None:
        return self._failure

    def feed(self, chunk: bytes) -> bytes:
        try:
            events = self._parser.feed(chunk)
        except ProviderError as error:
            self._failure = self._failure or error.failure
            return b""
        return b"".join([event.raw for event in events if self._is_for_caller(event)])

    def finish(self) -> bytes:
        last = self.feed(b"\n\n") if self._parser.rest.strip() and not self._is_last_seen else b""
        if self._failure is not None:
            raise ProviderError(self._failure)
        if not self.is_done:
            raise bad_reply("the stream ended before the answer was complete")
        return last

    def error_event(self, failure: ProviderFailure) -> bytes:
        return chat_error_event(failure)

    def _is_for_caller(self, event: Event) -> bool:
        if self._failure is not None:
            return False
        if event.data is None or event.data == b"[DONE]":
            return True
        try:
            content = orjson.loads(event.data)
        except orjson.JSONDecodeError:
            content = None
        if not isinstance(content, dict):
            self._failure = bad_reply("the stream holds what is not an event").failure
        elif content.get("error") or event.name == b"error" or content.get("type") == "error":
            self._failure = failure_in_stream(content)
        else:
            self._read(content)
        return self._failure is None

    def _read(self, content: dict[str, Any]) -> None:
        kind = content.get("type")
        if kind == "transcript.text.delta" and isinstance(content.get("delta"), str):
            self._texts.append(content["delta"])
        self._images += kind in _PICTURE
        self._is_last_seen = self._is_last_seen or kind in _LAST
        if content.get("usage") is not None:
            self._usages.append(usage_read(content["usage"]))

    def _sum(self, usages: list[Usage]) -> Usage | None:
        """What the events report, and what is known without them; None where that is nothing."""
        if not usages and not self._images and self._known == Usage():
            return None
        known = self._known
        return replace(
            known,
            input_tokens=sum(usage.input_tokens for usage in usages),
            output_tokens=sum(usage.output_tokens for usage in usages),
            cached_tokens=sum(usage.cached_tokens for usage in usages),
            reasoning_tokens=sum(usage.reasoning_tokens for usage in usages),
            input_audio_tokens=sum(usage.input_audio_tokens for usage in usages),
            output_audio_tokens=sum(usage.output_audio_tokens for usage in usages),
            audio_ms=sum(usage.audio_ms for usage in usages),
            images=self._images,
        )
