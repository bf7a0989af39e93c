"""Reads what Gemini answers: candidates, why they ended, and what they took.

https://ai.google.dev/api/generate-content#generatecontentresponse
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from llmhub.base.redact import redact
from providers.protocols.chat.answer import (
    FINISH_FILTER,
    FINISH_LENGTH,
    FINISH_STOP,
    FINISH_TOOLS,
    choice_make,
    completion_make,
    message_make,
    tool_call_make,
)
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure, bad_reply
from providers.protocols.gemini.errors import failure_of_error
from providers.protocols.openai.replies import reply_json
from providers.protocols.usage import IMPOSSIBLE, NOT_REPORTED, UsageReport, usage_make
from providers.protocols.wire import ChatReply

_FINISHES = {
    "STOP": FINISH_STOP,
    "MAX_TOKENS": FINISH_LENGTH,
    "SAFETY": FINISH_FILTER,
    "RECITATION": FINISH_FILTER,
    "LANGUAGE": FINISH_FILTER,
    "BLOCKLIST": FINISH_FILTER,
    "PROHIBITED_CONTENT": FINISH_FILTER,
    "SPII": FINISH_FILTER,
    "IMAGE_SAFETY": FINISH_FILTER,
    "IMAGE_PROHIBITED_CONTENT": FINISH_FILTER,
    "IMAGE_RECITATION": FINISH_FILTER,
    "MODEL_ARMOR": FINISH_FILTER,
}
# The model's own mistakes: what came is no answer, and another try may be one.
_FAILED = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
    }
)


class Said(NamedTuple):
    """What the parts of one candidate say."""

    text: str
    reasoning: str
    tool_calls: list[dict[str, Any]]

    @property
    def generated(self) -> str:
        """All of it, to be counted."""
        calls = (f"{c['function']['name']}{c['function']['arguments']}" for c in self.tool_calls)
        return self.text + self.reasoning + "".join(calls)


def chat_parse(body: bytes) -> ChatReply:
    reply = object_of(reply_json(body))
    candidates = candidates_of(reply)
    if not candidates:
        raise bad_reply("the reply does not hold a candidate")
    said = [said_in(candidate) for candidate in candidates]
    choices = [
        _choice(*each, place) for place, each in enumerate(zip(candidates, said, strict=True))
    ]
    usage = usage_of(reply).usage
    completion = completion_make(
        choices, usage, reply_id=_text(reply, "responseId"), model=_text(reply, "modelVersion")
    )
    text = "".join(each.generated for each in said)
    return ChatReply(text, choices[0]["finish_reason"], usage, completion)


def _choice(candidate: Mapping[str, Any], said: Said, place: int) -> dict[str, Any]:
    finish = finish_of(candidate, has_called=bool(said.tool_calls))
    message = message_make(said.text, said.reasoning, said.tool_calls)
    return choice_make(message, finish or FINISH_STOP, place, logprobs_of(candidate))


def object_of(reply: Any) -> dict[str, Any]:
    """The reply as an object. Raises ProviderError for an error that came with HTTP 200, and for a
    prompt that was refused."""
    if isinstance(reply, list) and len(reply) == 1:
        reply = reply[0]
    if not isinstance(reply, dict):
        raise bad_reply("the reply is not an object")
    if reply.get("error"):
        raise ProviderError(failure_of_error(reply, 200, {}))
    feedback = reply.get("promptFeedback")
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    if isinstance(feedback, dict) and reason and not reply.get("candidates"):
        raise ProviderError(_refused(str(reason), feedback.get("blockReasonMessage")))
    return reply


def _refused(reason: str, message: Any) -> ProviderFailure:
    words = message if isinstance(message, str) and message else f"blocked: {reason}"
    return ProviderFailure(
        FailureKind.CONTENT_REFUSED, redact(f"The prompt was refused. {words}", ()), 200
    )


def candidates_of(reply: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    candidates = reply.get("candidates")
    if candidates is None:
        return []
    if not isinstance(candidates, list) or not all(isinstance(c, dict) for c in candidates):
        raise bad_reply("the reply's candidates are not a list of objects")
    return candidates


def plain_text_of(candidate: Mapping[str, Any]) -> str:
    """The text of a candidate that has one part with text, goes on, and says nothing else; else
    nothing. Nearly every event of a stream is of this kind, so it is read without ado."""
    if "finishReason" in candidate or "logprobsResult" in candidate:
        return ""
    try:
        (part,) = candidate["content"]["parts"]
        text = part["text"]
    except (KeyError, TypeError, ValueError):
        return ""
    return text if isinstance(text, str) and not part.get("thought") else ""


def said_in(candidate: Mapping[str, Any]) -> Said:
    text, reasoning, calls = "", "", []
    for part in _parts(candidate):
        words = part.get("text")
        if isinstance(words, str):
            if part.get("thought"):
                reasoning += words
            else:
                text += words
        elif isinstance(part.get("functionCall"), dict):
            calls.append(_tool_call(part["functionCall"], part.get("thoughtSignature")))
    return Said(text, reasoning, calls)


def _parts(candidate: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return (part for part in parts or () if isinstance(part, dict))


def _tool_call(call: Mapping[str, Any], signature: Any) -> dict[str, Any]:
    """The signature stands where Google's own OpenAI surface has it: send it back with the call.
    https://ai.google.dev/gemini-api/docs/thought-signatures"""
    name = call.get("name")
    if not isinstance(name, str) or not name:
        raise bad_reply("a function call of the reply has no name")
    arguments = orjson.dumps(call.get("args") or {}).decode()
    extra: dict[str, Any] = {}
    if isinstance(signature, str) and signature:
        extra["extra_content"] = {"google": {"thought_signature": signature}}
    return tool_call_make(str(call.get("id") or ""), name, arguments, **extra)


def finish_of(candidate: Mapping[str, Any], *, has_called: bool) -> str | None:
    """None while the candidate goes on. Raises ProviderError where the model failed to answer."""
    reason = candidate.get("finishReason")
    if reason is None or reason == "FINISH_REASON_UNSPECIFIED":
        return None
    if reason in _FAILED:
        raise bad_reply(f"the model ended with {reason}: {candidate.get('finishMessage') or ''}")
    finish = _FINISHES.get(str(reason), FINISH_STOP)
    return FINISH_TOOLS if has_called and finish == FINISH_STOP else finish


def logprobs_of(candidate: Mapping[str, Any]) -> dict[str, Any] | None:
    """https://ai.google.dev/api/generate-content#LogprobsResult"""
    result = candidate.get("logprobsResult")
    chosen = result.get("chosenCandidates") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(chosen, list):
        return None
    tops = result.get("topCandidates") or []
    content = []
    for place, token in enumerate(chosen):
        top = tops[place].get("candidates") or [] if place < len(tops) else []
        content.append({**_logprob(token), "top_logprobs": [_logprob(each) for each in top]})
    return {"content": content, "refusal": None}


def _logprob(token: Mapping[str, Any]) -> dict[str, Any]:
    text = str(token.get("token", ""))
    return {"token": text, "logprob": token.get("logProbability", 0.0), "bytes": [*text.encode()]}


def usage_of(reply: Mapping[str, Any]) -> UsageReport:
    """`usageMetadata`. Its prompt count includes what was cached; thoughts stand beside the answer.

    https://ai.google.dev/api/generate-content#UsageMetadata
    """
    told = reply.get("usageMetadata")
    if told is None:
        return NOT_REPORTED
    if not isinstance(told, dict):
        return IMPOSSIBLE
    prompt, tool_use, said, thought = (
        told.get(name) or 0
        for name in (
            "promptTokenCount",
            "toolUsePromptTokenCount",
            "candidatesTokenCount",
            "thoughtsTokenCount",
        )
    )
    if not all(type(count) is int for count in (prompt, tool_use, said, thought)):
        return IMPOSSIBLE
    if min(prompt, tool_use, said, thought) < 0:
        return IMPOSSIBLE
    return usage_make(
        prompt + tool_use,
        said + thought,
        told.get("cachedContentTokenCount") or 0,
        thought,
        0,
        _audio(told.get("promptTokensDetails")) - _audio(told.get("cacheTokensDetails")),
        _audio(told.get("candidatesTokensDetails")),
    )


def _audio(details: Any) -> int:
    if not isinstance(details, list):
        return 0
    heard = [d for d in details if isinstance(d, dict) and d.get("modality") == "AUDIO"]
    counts = [d.get("tokenCount") or 0 for d in heard]
    return sum(count for count in counts if type(count) is int)


def usage_parse(reply: bytes | dict[str, Any]) -> UsageReport:
    """Never raises: what does not parse reports none."""
    if isinstance(reply, bytes):
        try:
            reply = orjson.loads(reply)
        except orjson.JSONDecodeError:
            return NOT_REPORTED
    return usage_of(reply) if isinstance(reply, dict) else NOT_REPORTED


def _text(reply: Mapping[str, Any], name: str) -> str:
    value = reply.get(name)
    return value if isinstance(value, str) else ""
