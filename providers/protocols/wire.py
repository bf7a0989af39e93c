"""What a protocol takes and gives: the vocabulary between the hub and any provider.

Requests come in the hub's terms, as decoded JSON: OpenAI's API for chat, embeddings, speech,
transcription, pictures and moderation, Jina's for reranking. A protocol turns them into a
ProviderRequest for the transport, and the reply's bytes into the dataclasses below. It does no I/O
and keeps no state between calls; only the reader of a stream has state, and there is one for each
stream.

Chat may also come in a dialect that the protocol `speaks`; dialects/exchange.py sees to it that no
other one arrives here.
"""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.protocols.dialects.names import Dialect
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure, bad_reply
from providers.protocols.usage import Usage, UsageReport

__all__ = [
    "NOT_IN_CATALOG",
    "AudioFile",
    "ChatReply",
    "ChunkReader",
    "Dialect",
    "EmbeddingReply",
    "FailureKind",
    "Grant",
    "ImageReply",
    "KnownModel",
    "ListedModel",
    "ModerationReply",
    "PagedList",
    "ProviderError",
    "ProviderFailure",
    "ProviderRequest",
    "RerankReply",
    "StreamReader",
    "StreamedBody",
    "Target",
    "TokenCounter",
    "TokenSource",
    "Usage",
    "UsageReport",
    "WireProtocol",
    "bad_reply",
]

Headers = Mapping[str, str]
Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What the catalog knows of the model that is called; None: nothing.

    `capabilities` are the catalog's words, such as `reasoning`.
    """

    max_output_tokens: int | None = None
    capabilities: frozenset[str] | None = None

    def lacks(self, capability: str) -> bool:
        """Whether it is known that the model cannot do it."""
        return self.capabilities is not None and capability not in self.capabilities


NOT_IN_CATALOG = KnownModel()


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes and who pays: an address, credentials and what else the factory asks for.

    `base_url` is normalised (see `providers.base_urls`) and has no slash at its end. `dialects` are
    what the factory says that this address speaks beside what its protocol always does. `headers`
    are those of the caller's that belong to its dialect, for a protocol that speaks it.
    """

    base_url: str
    credentials: Mapping[str, str | Secret] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    dialects: frozenset[Dialect] = frozenset()
    model: KnownModel = NOT_IN_CATALOG
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must not be shown: for `redact` and `ProviderFailure.masked`."""
        return tuple(value for value in self.credentials.values() if isinstance(value, Secret))


@dataclass(frozen=True, slots=True)
class StreamedBody:
    """Bytes that go out as they come. `chunks` begins at the start with each call: a second
    provider can be sent what the first one was. `length` in bytes, where it is known already."""

    chunks: Callable[[], AsyncGenerator[bytes]]
    length: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """One HTTP request. Header values that are Secret are revealed by the transport alone.

    `left_out` names the caller's fields that the provider has no word for: nothing is dropped
    without the caller being told.
    """

    method: str
    url: str
    headers: Mapping[str, str | Secret] = field(default_factory=dict)
    body: bytes | StreamedBody = b""
    left_out: tuple[str, ...] = ()

    def with_headers(self, headers: Mapping[str, str]) -> "ProviderRequest":
        """The same request with headers of the hub's own, such as `x-request-id`, added."""
        return replace(self, headers={**headers, **self.headers})


@dataclass(frozen=True, slots=True)
class Grant:
    """Credentials that last `lifetime_s` seconds from now, to be added to a target's own."""

    credentials: Mapping[str, Secret]
    lifetime_s: float


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model that a provider lists; types are inferred, and no type means: not one we serve."""

    llm_name: str
    model_types: frozenset[ModelType]
    context_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class AudioFile:
    """`late_fields` gives the fields that followed the audio in the caller's form; they are known
    once a streamed `content` has come to its end."""

    name: str
    content_type: str
    content: bytes | StreamedBody
    late_fields: Callable[[], Payload] = dict


@dataclass(frozen=True, slots=True)
class ChatReply:
    """`text` is all that was generated: words, reasoning and tool arguments.

    `completion` is the reply as a chat completion; a protocol that speaks another dialect may leave
    it empty for a reply in that one, which passes untouched.
    """

    text: str
    finish_reason: str
    usage: Usage | None
    completion: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class EmbeddingReply:
    vectors: tuple[Sequence[float], ...]
    usage: Usage | None

    @property
    def dimensions(self) -> int:
        return len(self.vectors[0])


@dataclass(frozen=True, slots=True)
class RerankReply:
    """`scores` maps a document's place in the request to its relevance."""

    scores: Mapping[int, float]
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class ImageReply:
    """`images` have `b64_json` or `url`, as from OpenAI. The usage has their number at least."""

    images: tuple[Mapping[str, Any], ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class ModerationReply:
    """`results` have `flagged`, `categories` and `category_scores`, as from OpenAI."""

    results: tuple[Mapping[str, Any], ...]
    usage: Usage | None


class StreamReader(Protocol):
    """Follows one stream of server-sent events on its way to the caller.

    Feed it what arrives and pass on what it returns. It holds back an unfinished event and the end
    of the stream, so that the caller can settle between the last `feed` and sending `finish()`.
    """

    @property
    def usage_report(self) -> UsageReport: ...
    @property
    def usage(self) -> Usage | None: ...
    @property
    def output_text(self) -> str:
        """All text generated so far, to estimate from where no usage was reported."""

    @property
    def is_done(self) -> bool:
        """The answer is complete: its end marker or every choice's finish reason was seen."""

    @property
    def has_end_marker(self) -> bool:
        """The stream said that nothing follows: stop reading."""

    @property
    def failure(self) -> ProviderFailure | None:
        """The provider reported an error inside the stream, or sent what is not a stream."""

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they arrive, give the bytes to pass on. Gives none after a failure."""

    def finish(self) -> bytes:
        """The last bytes for the caller, once the stream has ended in good order.

        Raises ProviderError when it has not: a stream that was cut gets no end marker.
        """

    def error_event(self, failure: ProviderFailure) -> bytes:
        """What to send in place of `finish()` to a caller whose stream broke."""


class ChunkReader(Protocol):
    """Follows one stream and gives it in the hub's terms: chat completion chunks.

    https://platform.openai.com/docs/api-reference/chat-streaming. The properties are those of
    StreamReader. The usage comes last, in a chunk of its own with empty `choices`, as from OpenAI.
    """

    @property
    def usage_report(self) -> UsageReport: ...
    @property
    def output_text(self) -> str: ...
    @property
    def is_done(self) -> bool: ...
    @property
    def has_end_marker(self) -> bool: ...
    @property
    def failure(self) -> ProviderFailure | None: ...

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """Take bytes as they arrive, give the chunks that are complete; none after a failure."""

    def finish(self) -> list[dict[str, Any]]:
        """The last chunks, once the stream has ended in good order. Raises ProviderError if not."""


class WireProtocol(Protocol):
    """One provider API. Instances are stateless and shared; `registry` holds them by name.

    The `*_request` methods pass unknown fields of the payload through and set the model. The
    `*_reply` methods raise ProviderError (bad_reply, or what an error inside a 200 says) for
    anything that is not the documented shape.
    """

    name: str
    serves: frozenset[ModelType]
    passes: frozenset[ModelType]
    """The types, other than chat, whose replies are in the hub's terms and reach callers untouched;
    the others are written anew from what the `*_reply` methods read."""
    version_path: str
    """What a base URL of this API ends with unless its provider says otherwise, such as `/v1`."""

    def speaks(self, target: Target) -> frozenset[Dialect]:
        """The dialects in which chat passes untouched to and from this target."""

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest: ...
    def embedding_request(
        self, target: Target, payload: Payload, *, model: str
    ) -> ProviderRequest: ...
    def rerank_request(
        self, target: Target, payload: Payload, *, model: str
    ) -> ProviderRequest: ...
    def speech_request(
        self, target: Target, payload: Payload, *, model: str
    ) -> ProviderRequest: ...
    def transcription_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest: ...
    def translation_request(
        self, target: Target, payload: Payload, audio: AudioFile, *, model: str
    ) -> ProviderRequest: ...
    def image_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest: ...
    def moderation_request(
        self, target: Target, payload: Payload, *, model: str
    ) -> ProviderRequest: ...
    def models_request(self, target: Target) -> ProviderRequest: ...

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply: ...
    def embedding_reply(self, body: bytes) -> EmbeddingReply: ...
    def rerank_reply(self, body: bytes) -> RerankReply: ...
    def speech_reply(self, headers: Headers, body: bytes) -> bytes: ...
    def transcription_reply(self, body: bytes) -> str: ...
    def image_reply(self, body: bytes) -> ImageReply: ...
    def moderation_reply(self, body: bytes) -> ModerationReply: ...
    def models_reply(self, body: bytes) -> list[ListedModel]: ...

    def usage_report(self, reply: bytes | dict[str, Any]) -> UsageReport:
        """The usage of a whole reply, whatever the endpoint; never raises."""

    def usage_of(self, reply: bytes | dict[str, Any]) -> Usage | None: ...

    def failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        """Classify a reply that is not a success; never raises. Header names are lower case."""

    def stream_reader(self, dialect: Dialect, *, hide_usage: bool) -> StreamReader:
        """For a dialect that it speaks. `hide_usage` where the caller did not ask for the chunk
        that carries usage alone."""

    def chunk_reader(self) -> ChunkReader:
        """For a caller of another dialect."""

    def event_reader(self, known: Usage) -> StreamReader:
        """For streamed speech, transcripts and pictures of a type that it `passes`. `known` is what
        the request itself tells of the usage, such as the characters to speak."""


@runtime_checkable
class TokenCounter(Protocol):
    """A protocol whose provider counts a prompt's tokens for nothing, in Anthropic's dialect."""

    def count_request(self, target: Target, payload: Payload, *, model: str) -> ProviderRequest: ...

    def count_reply(self, body: bytes) -> int:
        """The prompt's tokens. Raises ProviderError for what is no such reply."""


@runtime_checkable
class TokenSource(Protocol):
    """A protocol whose calls need credentials that are fetched first, and last for a while.

    providers/access_tokens.py fetches and keeps them; the other methods then get a target that has
    them among its credentials.
    """

    name: str

    def token_request(self, target: Target) -> ProviderRequest | None:
        """None where the target's own credentials will do. Raises InvalidRequest naming the field
        of `api_key` for credentials that cannot be used."""

    def token_reply(self, body: bytes) -> Grant:
        """Raises ProviderError for what grants nothing."""

    def token_failure_of(self, status: int, headers: Headers, body: bytes) -> ProviderFailure:
        """As `failure_of`, of a reply to a token request."""


@runtime_checkable
class PagedList(Protocol):
    """A protocol whose list of models does not come in one reply."""

    def models_next(self, target: Target, body: bytes) -> ProviderRequest | None:
        """The request after the one that `body` answered, or None after the last. Raises
        ProviderError for what is no such reply."""
