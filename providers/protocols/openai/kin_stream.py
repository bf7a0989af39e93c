"""Follows the streams of APIs that are nearly OpenAI's, and puts them in the hub's terms."""

from typing import Any

from providers.protocols.openai.stream import OpenAIChunkReader

_KIND = "chat.completion.chunk"


class KinChunkReader(OpenAIChunkReader):
    """A ChunkReader (see `providers.protocols.wire`). A usage that comes with the last words is
    given in a chunk of its own, after them."""

    __slots__ = ("_usage_chunk",)

    def __init__(self) -> None:
        super().__init__()
        self._usage_chunk: dict[str, Any] | None = None

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        given = super().feed(chunk)
        for each in given:
            each.setdefault("object", _KIND)
            if each.get("choices") and each.setdefault("usage", None) is not None:
                self._usage_chunk = {**each, "choices": []}
                each["usage"] = None
        return given

    def finish(self) -> list[dict[str, Any]]:
        last = super().finish()
        return last if self._usage_chunk is None else [*last, self._usage_chunk]

    def _read_choices(self, choices: list[Any]) -> None:
        for choice in choices:
            if isinstance(choice, dict) and isinstance(choice.get("delta"), dict):
                self._put(choice, choice["delta"])
        super()._read_choices(choices)

    def _put(self, choice: dict[str, Any], delta: dict[str, Any]) -> None:
        """Put a choice of a chunk in the hub's terms, in place; `_failure` where it tells one."""
        raise NotImplementedError
