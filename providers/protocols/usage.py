"""How many tokens a call took, as the provider reports it, and whether that can be believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

MAX_TOKENS = 1_000_000_000
"""More than this in one call is a defect of the provider; no model has a hundredth of it."""

MAX_AUDIO_S = 1_000_000
"""Eleven days in one file: a defect of the provider."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call used.

    `input_tokens` is the whole prompt. Inside it: `cached_tokens` were read from the provider's
    cache, `cache_write_tokens` written to it, and `input_audio_tokens` are fresh audio.
    `output_tokens` is all that was generated. Inside it: `reasoning_tokens` were thought rather
    than said, and `output_audio_tokens` are audio. The parts are inside the wholes: add them to
    nothing; providers/pricing.py bills each token once.

    `images` were generated, `characters` spoken, and `audio_ms` milliseconds of audio transcribed.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cache_write_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    images: int = 0
    characters: int = 0
    audio_ms: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def fresh_input_tokens(self) -> int:
        """Text that was neither read from a cache nor written to one."""
        parts = self.cached_tokens + self.cache_write_tokens + self.input_audio_tokens
        return self.input_tokens - parts


class UsageReport(NamedTuple):
    """What a reply says about usage: a figure, nothing, or a figure that cannot be true."""

    usage: Usage | None
    is_impossible: bool = False


NOT_REPORTED = UsageReport(None)
IMPOSSIBLE = UsageReport(None, is_impossible=True)


def usage_make(
    input_tokens: Any,
    output_tokens: Any,
    cached_tokens: Any = 0,
    reasoning_tokens: Any = 0,
    cache_write_tokens: Any = 0,
    input_audio_tokens: Any = 0,
    output_audio_tokens: Any = 0,
) -> UsageReport:
    """Check figures from outside, with the parts inside their wholes.

    Impossible is: not a whole number, negative, beyond MAX_TOKENS, or a part larger than its whole.
    Audio that a provider counts as cached too is counted as cached alone.
    """
    counts = (
        input_tokens,
        output_tokens,
        cached_tokens,
        reasoning_tokens,
        cache_write_tokens,
        input_audio_tokens,
        output_audio_tokens,
    )
    if not all(map(_is_count, counts)):
        return IMPOSSIBLE
    if cached_tokens + cache_write_tokens > input_tokens or input_audio_tokens > input_tokens:
        return IMPOSSIBLE
    if reasoning_tokens > output_tokens or output_audio_tokens > output_tokens:
        return IMPOSSIBLE
    fresh = input_tokens - cached_tokens - cache_write_tokens
    audio = min(input_audio_tokens, fresh)
    return UsageReport(Usage(*map(int, (*counts[:5], audio, output_audio_tokens))))


def _is_count(value: Any) -> bool:
    if type(value) is int:
        return 0 <= value <= MAX_TOKENS
    return type(value) is float and value.is_integer() and 0 <= value <= MAX_TOKENS


def usage_read(reported: Any) -> UsageReport:
    """Read a `usage` object of the OpenAI family.

    Knows chat completions (`prompt_tokens`, `completion_tokens`), responses, pictures and
    transcriptions (`input_tokens`, `output_tokens`, or the audio's `seconds`), embeddings and
    reranking (`total_tokens` at least).
    https://platform.openai.com/docs/api-reference/chat/object
    """
    if not isinstance(reported, dict):
        return NOT_REPORTED if reported is None else IMPOSSIBLE
    if reported.get("type") == "duration":
        return duration_read(reported.get("seconds"))
    total = reported.get("total_tokens")
    output = _first(reported, "completion_tokens", "output_tokens")
    prompt = _first(reported, "prompt_tokens", "input_tokens")
    if prompt is None:
        prompt = _rest(total, output)
    if prompt is None:
        return NOT_REPORTED
    cached, reasoning = _cached(reported), _made(reported, "reasoning_tokens")
    output = _with_reasoning(prompt, 0 if output is None else output, reasoning, total)
    audio = _made(reported, "audio_tokens")
    written = _given(reported, "cache_write_tokens")
    if _is_count(written) and _is_count(cached) and _is_count(prompt):
        # What is written is said before rounding: it may reach into what was read.
        written = min(written, max(0, prompt - cached))
    return usage_make(
        prompt, output, cached, reasoning, written, _given(reported, "audio_tokens"), audio
    )


def duration_read(seconds: Any) -> UsageReport:
    """Audio that was transcribed, in seconds; some servers write the number as a text."""
    try:
        duration_s = float(seconds)
    except (TypeError, ValueError, OverflowError):
        return IMPOSSIBLE
    if isinstance(seconds, bool) or not 0 <= duration_s <= MAX_AUDIO_S:
        return IMPOSSIBLE
    return UsageReport(Usage(audio_ms=round(duration_s * 1000)))


def _first(mapping: Mapping[str, Any], *names: str) -> Any:
    for name in names:
        value = mapping.get(name)
        if value is not None:
            return value
    return None


def _rest(total: Any, output: Any) -> Any:
    if output is None or total is None:
        return total
    return total - output if _is_count(total) and _is_count(output) else -1


def _cached(reported: Mapping[str, Any]) -> Any:
    details = _first(reported, "prompt_tokens_details", "input_tokens_details")
    if isinstance(details, dict) and details.get("cached_tokens") is not None:
        return details["cached_tokens"]
    # DeepSeek and Moonshot report it beside the totals.
    beside = _first(reported, "prompt_cache_hit_tokens", "cached_tokens")
    return 0 if beside is None else beside


def _given(reported: Mapping[str, Any], kind: str) -> Any:
    """A part of the prompt."""
    details = _first(
        reported, "prompt_tokens_details", "input_tokens_details", "input_token_details"
    )
    return _detail(details, kind)


def _made(reported: Mapping[str, Any], kind: str) -> Any:
    """A part of what was generated."""
    return _detail(_first(reported, "completion_tokens_details", "output_tokens_details"), kind)


def _detail(details: Any, kind: str) -> Any:
    if not isinstance(details, dict) or details.get(kind) is None:
        return 0
    return details[kind]


def _with_reasoning(prompt: Any, output: Any, reasoning: Any, total: Any) -> Any:
    """xAI counts reasoning beside the completion; its total gives that away."""
    if not reasoning or not all(map(_is_count, (prompt, output, reasoning, total))):
        return output
    return output + reasoning if prompt + output + reasoning == total else output
