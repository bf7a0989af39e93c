"""What the protocols have in common that share nothing with OpenAI's but their purpose."""

from typing import Any

from llmhub.base.errors import NotSupported
from llmhub.base.model_types import ModelType
from providers.protocols.openai.errors import failure_classify
from providers.protocols.openai.replies import usage_parse
from providers.protocols.unserved import Unserved
from providers.protocols.wire import (
    ChatReply,
    ChunkReader,
    Dialect,
    Headers,
    ListedModel,
    Payload,
    ProviderFailure,
    ProviderRequest,
    StreamReader,
    Target,
    Usage,
    UsageReport,
)


class Foreign(Unserved):
    """For a WireProtocol to inherit that speaks no dialect of a caller, and whose replies are all
    written anew. What it does not override is refused, and errors are read by status and words."""

    passes: frozenset[ModelType] = frozenset()
    version_path = ""

    def speaks(self, target: Target) -> frozenset[Dialect]:
        return frozenset()

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        self._refuse("chat")

    def models_request(self, target: Target) -> ProviderRequest:
        self._refuse("list of models")

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        self._refuse("chat")

    def models_reply(self, body: bytes) -> list[ListedModel]:
        self._refuse("list of models")

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        return usage_parse(reply)

    def usage_of(self, reply: bytes | dict[str, Any]) -> Usage | None:
        return self.usage_report(reply).usage

    def failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        return failure_classify(status, headers, body)

    def stream_reader(self, dialect: Dialect, *, hide_usage: bool) -> StreamReader:
        raise NotSupported(f"{self.name} speaks no dialect of a caller.")

    def chunk_reader(self) -> ChunkReader:
        self._refuse("streamed chat")
