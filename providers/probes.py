"""Does this key work, and does this model do what its type says? Asked of the provider itself.

A probe makes the shortest real call of a model's type and reads the reply strictly. HTTP 200 with
something else inside has failed. A picture costs money, so none is made: the provider is asked
whether it lists the model.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from llmhub.base.errors import NotSupported
from llmhub.base.model_types import ModelType
from providers.addresses import IPNetwork
from providers.probe_samples import (
    FITTING_DOCUMENT,
    RERANK_DOCUMENTS,
    sample_audio,
    sample_payload,
)
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure, bad_reply
from providers.protocols.wire import (
    Headers,
    ListedModel,
    PagedList,
    ProviderRequest,
    Target,
    WireProtocol,
)
from providers.transport import Deadlines, Transport

_T = TypeVar("_T")

_MAX_REPLY_BYTES = 16 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024
_SECONDS = {
    ModelType.CHAT: 30.0,
    ModelType.EMBEDDING: 20.0,
    ModelType.RERANK: 20.0,
    ModelType.IMAGE2TEXT: 60.0,
    ModelType.SPEECH2TEXT: 60.0,
    ModelType.TTS: 60.0,
    ModelType.IMAGE: 15.0,
    ModelType.MODERATION: 20.0,
}
_LIST_SECONDS = 15.0
_MAX_PAGES = 20
# A model that reasons may have spent the few tokens of the probe before its first word.
_OUT_OF_TOKENS = "output limit was reached"
# The provider knew the key and said so by what it refused.
_PROVES_KEY = frozenset({FailureKind.RATE_LIMITED, FailureKind.CONTENT_REFUSED})
_SETTLES_KEY = frozenset({FailureKind.INVALID_KEY, FailureKind.OUT_OF_QUOTA})
_SETTLES_HOST = frozenset({FailureKind.UNREACHABLE, FailureKind.TIMEOUT})


@dataclass(frozen=True, slots=True)
class ProbeStep:
    """One thing to try; a factory may have another protocol or address for each model type."""

    protocol: WireProtocol
    target: Target
    model_type: ModelType
    llm_name: str


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What one probe found. `failure`'s message is masked; `detail` says what was seen.

    `is_ok` can go with a failure: a provider that limits the rate, or refuses the sample's content,
    has accepted the key.
    """

    model_type: ModelType
    llm_name: str
    is_ok: bool
    failure: ProviderFailure | None
    latency_ms: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    """Whether the key works, and what was tried. Not ok and no failure: nothing could be."""

    reports: tuple[ProbeReport, ...]
    is_ok: bool
    failure: ProviderFailure | None

    @property
    def telling(self) -> ProbeReport | None:
        """The report that decided, or the first where none did."""
        found = (r for r in self.reports if r.is_ok == self.is_ok and r.failure == self.failure)
        return next(found, None)


async def model_probe(
    transport: Transport,
    protocol: WireProtocol,
    target: Target,
    model_type: ModelType,
    llm_name: str,
    *,
    deadline_s: float | None = None,
) -> ProbeReport:
    """Call a model once, as its type. Every failure of the provider is in the report.

    Raises NotSupported where the protocol does not serve the type, and InvalidRequest or
    AddressForbidden where the call cannot be made at all.
    """
    if model_type not in protocol.serves:
        raise NotSupported(f"{model_type} models are not supported over {protocol.name} yet.")
    step = ProbeStep(protocol, target, model_type, llm_name)
    seconds = deadline_s or _SECONDS[model_type]
    started = time.perf_counter()
    detail, failure = "", None
    try:
        detail = await _try(transport, step, seconds)
    except ProviderError as error:
        failure = error.failure.masked(target.secrets)
    latency_ms = round((time.perf_counter() - started) * 1000)
    is_ok = failure is None or failure.kind in _PROVES_KEY
    if failure is not None and is_ok:
        detail = "The key was accepted, and this call refused."
    return ProbeReport(model_type, llm_name, is_ok, failure, latency_ms, detail)


async def models_list(
    transport: Transport, protocol: WireProtocol, target: Target
) -> list[ListedModel]:
    """The models that the provider lists. Raises ProviderError, masked, where it lists none."""
    try:
        target = await transport.access_tokens.authorized(protocol, target)
        return await _listed(transport, protocol, target)
    except ProviderError as error:
        failure = error.failure.masked(target.secrets)
    raise ProviderError(failure)


async def _listed(
    transport: Transport, protocol: WireProtocol, target: Target
) -> list[ListedModel]:
    found: dict[str, ListedModel] = {}
    request: ProviderRequest | None = protocol.models_request(target)
    for _ in range(_MAX_PAGES):
        if request is None:
            break
        _, body = await _exchange(transport, protocol, request, _LIST_SECONDS)
        found |= {model.llm_name: model for model in protocol.models_reply(body)}
        request = protocol.models_next(target, body) if isinstance(protocol, PagedList) else None
    return list(found.values())


async def probe_until_known(transport: Transport, steps: Iterable[ProbeStep]) -> ProbeOutcome:
    """Probe once for each model type until it is known whether the key works.

    Known: a success, a rate limit or refused content (the key was accepted), a refused key or an
    empty account. A missing model, a refused request, a busy server or a reply of another kind say
    nothing about the key, and the next type is tried. A host that does not answer is not asked
    twice. Where nothing decides, the key counts as not working, for the first failure.
    """
    reports: list[ProbeReport] = []
    silent_hosts: set[str] = set()
    for step in _one_per_type(steps):
        host = urlsplit(step.target.base_url).netloc
        if host in silent_hosts:
            continue
        report = await model_probe(
            transport, step.protocol, step.target, step.model_type, step.llm_name
        )
        reports.append(report)
        if report.is_ok:
            return ProbeOutcome(tuple(reports), True, report.failure)
        if report.failure is not None and report.failure.kind in _SETTLES_KEY:
            return ProbeOutcome(tuple(reports), False, report.failure)
        if report.failure is not None and report.failure.kind in _SETTLES_HOST:
            silent_hosts.add(host)
    return ProbeOutcome(tuple(reports), False, reports[0].failure if reports else None)


def run_probes(steps: Iterable[ProbeStep], egress_allow: Iterable[IPNetwork]) -> ProbeOutcome:
    """`probe_until_known` for synchronous callers: a view's service, a task."""
    return _run(egress_allow, lambda transport: probe_until_known(transport, steps))


def run_probe(step: ProbeStep, egress_allow: Iterable[IPNetwork]) -> ProbeReport:
    """`model_probe` for synchronous callers."""
    return _run(
        egress_allow,
        lambda t: model_probe(t, step.protocol, step.target, step.model_type, step.llm_name),
    )


def run_models_list(
    protocol: WireProtocol, target: Target, egress_allow: Iterable[IPNetwork]
) -> list[ListedModel]:
    """`models_list` for synchronous callers."""
    return _run(egress_allow, lambda transport: models_list(transport, protocol, target))


def _run(
    egress_allow: Iterable[IPNetwork], work: Callable[[Transport], Coroutine[Any, Any, _T]]
) -> _T:
    async def main() -> _T:
        async with Transport(egress_allow) as transport:
            return await work(transport)

    return asyncio.run(main())


def _one_per_type(steps: Iterable[ProbeStep]) -> list[ProbeStep]:
    first: dict[ModelType, ProbeStep] = {}
    for step in steps:
        if step.model_type in step.protocol.serves:
            first.setdefault(step.model_type, step)
    return list(first.values())


async def _try(transport: Transport, step: ProbeStep, seconds: float) -> str:
    """Make the call; give what was seen."""
    payload = sample_payload(step.model_type)
    target = await transport.access_tokens.authorized(step.protocol, step.target)
    step = replace(step, target=target)
    try:
        headers, body = await _call(transport, step, payload, seconds)
    except ProviderError as error:
        if _OUT_OF_TOKENS in error.failure.message:
            return "answered"
        if not _wants_other_limit(error.failure, payload):
            raise
        payload["max_completion_tokens"] = payload.pop("max_tokens")
        headers, body = await _call(transport, step, payload, seconds)
    return _READERS[step.model_type](step, headers, body)


def _wants_other_limit(failure: ProviderFailure, payload: dict[str, Any]) -> bool:
    """OpenAI's newer models refuse `max_tokens`; older servers do not know the other name."""
    is_refused = failure.kind is FailureKind.BAD_REQUEST
    return is_refused and "max_tokens" in payload and "max_completion_tokens" in failure.message


async def _call(
    transport: Transport, step: ProbeStep, payload: dict[str, Any], seconds: float
) -> tuple[Headers, bytes]:
    try:
        request = _request(step, payload)
    except NotSupported as error:
        # The protocol serves the type, and not this model of it: that says nothing about the key.
        failure = ProviderFailure(FailureKind.NO_SUCH_MODEL, error.message)
        raise ProviderError(failure) from None
    return await _exchange(transport, step.protocol, request, seconds)


def _request(step: ProbeStep, payload: dict[str, Any]) -> ProviderRequest:
    protocol, target, model = step.protocol, step.target, step.llm_name
    match step.model_type:
        case ModelType.CHAT | ModelType.IMAGE2TEXT:
            return protocol.chat_request(target, payload, model=model)
        case ModelType.EMBEDDING:
            return protocol.embedding_request(target, payload, model=model)
        case ModelType.RERANK:
            return protocol.rerank_request(target, payload, model=model)
        case ModelType.SPEECH2TEXT:
            return protocol.transcription_request(target, payload, sample_audio(), model=model)
        case ModelType.TTS:
            payload["voice"] = target.settings.get("voice") or payload["voice"]
            return protocol.speech_request(target, payload, model=model)
        case ModelType.MODERATION:
            return protocol.moderation_request(target, payload, model=model)
        case ModelType.IMAGE:
            return protocol.models_request(target)


async def _exchange(
    transport: Transport, protocol: WireProtocol, request: ProviderRequest, seconds: float
) -> tuple[Headers, bytes]:
    deadlines = Deadlines(first_byte_s=seconds, idle_s=seconds, total_s=seconds)
    deadlines = replace(deadlines, connect_s=min(deadlines.connect_s, seconds))
    async with await transport.send(request, deadlines=deadlines) as response:
        if not 200 <= response.status < 300:
            body = await response.read_head(_MAX_ERROR_BYTES)
            raise ProviderError(protocol.failure_of(response.status, response.headers, body))
        return response.headers, await response.read(_MAX_REPLY_BYTES)


def _read_chat(step: ProbeStep, headers: Headers, body: bytes) -> str:
    reply = step.protocol.chat_reply(body)
    return f"answered, {reply.usage.output_tokens} tokens" if reply.usage else "answered"


def _read_embedding(step: ProbeStep, headers: Headers, body: bytes) -> str:
    return f"{step.protocol.embedding_reply(body).dimensions} dimensions"


def _read_rerank(step: ProbeStep, headers: Headers, body: bytes) -> str:
    scores = step.protocol.rerank_reply(body).scores
    if set(scores) != set(range(len(RERANK_DOCUMENTS))):
        raise bad_reply("the ranking does not hold the documents that were sent")
    best = max(scores, key=lambda index: scores[index])
    place = "first" if best == FITTING_DOCUMENT else "last"
    return f"{len(scores)} documents ranked, the fitting one {place}"


def _read_speech(step: ProbeStep, headers: Headers, body: bytes) -> str:
    return f"{len(step.protocol.speech_reply(headers, body))} bytes of audio"


def _read_transcription(step: ProbeStep, headers: Headers, body: bytes) -> str:
    return f"transcribed, {len(step.protocol.transcription_reply(body))} characters"


def _read_moderation(step: ProbeStep, headers: Headers, body: bytes) -> str:
    return f"{len(step.protocol.moderation_reply(body).results)} text judged"


def _read_listing(step: ProbeStep, headers: Headers, body: bytes) -> str:
    if step.llm_name in {model.llm_name for model in step.protocol.models_reply(body)}:
        return "listed by the provider"
    message = f"The provider does not list {step.llm_name}, and no picture is made to find out."
    raise ProviderError(ProviderFailure(FailureKind.NO_SUCH_MODEL, message))


_READERS: dict[ModelType, Callable[[ProbeStep, Headers, bytes], str]] = {
    ModelType.CHAT: _read_chat,
    ModelType.IMAGE2TEXT: _read_chat,
    ModelType.EMBEDDING: _read_embedding,
    ModelType.RERANK: _read_rerank,
    ModelType.SPEECH2TEXT: _read_transcription,
    ModelType.TTS: _read_speech,
    ModelType.IMAGE: _read_listing,
    ModelType.MODERATION: _read_moderation,
}
