"""Usage in the words of each dialect. The hub's Usage holds the parts inside the wholes."""

from typing import Any

from providers.protocols.usage import Usage


def usage_in_chat(usage: Usage) -> dict[str, Any]:
    """https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage"""
    given = {
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "audio_tokens": usage.input_audio_tokens,
    }
    made = {
        "reasoning_tokens": usage.reasoning_tokens,
        "audio_tokens": usage.output_audio_tokens,
    }
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": given,
        "completion_tokens_details": made,
    }


def usage_in_messages(usage: Usage | None) -> dict[str, Any]:
    """Here `input_tokens` is what was neither read from a cache nor written to one.

    https://docs.claude.com/en/api/messages#response-usage
    """
    usage = usage or Usage()
    fresh = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
    return {
        "input_tokens": fresh,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
    }


def usage_in_responses(usage: Usage | None) -> dict[str, Any] | None:
    """https://platform.openai.com/docs/api-reference/responses/object#responses-object-usage"""
    if usage is None:
        return None
    given = {
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
    }
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": given,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }
