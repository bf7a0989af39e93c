"""How much a model on Bedrock shall think: each family has a word of its own for it.

https://docs.aws.amazon.com/bedrock/latest/userguide/inference-reasoning.html
"""

import re
from typing import Any

from llmhub.base.errors import InvalidRequest
from providers.protocols.bedrock.contents import Conversation

_MIN_BUDGET = 1024
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768}
_EFFORTS = ("none", *_BUDGETS, "max")
_AMONG_THREE = {"minimal": "low", "low": "low", "medium": "medium"}

_CLAUDE = re.compile(r"anthropic\.claude-")
# Claude from 3.7 to 4.5 thinks within a budget; the ones after it decide themselves.
_BY_BUDGET = re.compile(r"anthropic\.claude-(?:3-7|(?:opus|sonnet|haiku)-4(?:-[0-5])?(?:-\d{8}|$))")
_BEFORE_THINKING = re.compile(r"anthropic\.claude-(?:3-[05h]|3-(?:sonnet|opus)|instant|v\d)")
_OPENAI = re.compile(r"openai\.gpt-oss")
_NOVA = re.compile(r"amazon\.nova-(?:2|[3-9])")


def thinking_set(
    body: dict[str, Any],
    effort: Any,
    model: str,
    conversation: Conversation,
    left_out: list[str],
) -> None:
    """Say it in the model's own words; where it has none the effort is named as left out."""
    if effort is None:
        return
    if effort not in _EFFORTS:
        message = "reasoning_effort is none, minimal, low, medium, high, xhigh or max."
        raise InvalidRequest(message, field="reasoning_effort")
    own = _own_words(body, effort, model, conversation)
    if own is None:
        left_out.append("reasoning_effort")
        return
    if own:
        body["additionalModelRequestFields"] = {
            **body.get("additionalModelRequestFields", {}),
            **own,
        }
    config = body.get("inferenceConfig", {})
    if "thinking" in own and config.get("temperature", 1) != 1:
        del config["temperature"]
        left_out.append("temperature")


def _own_words(
    body: dict[str, Any], effort: str, model: str, conversation: Conversation
) -> dict[str, Any] | None:
    if _CLAUDE.search(model):
        return _claude(body, effort, model, conversation)
    level = _AMONG_THREE.get(effort, "high")
    if _OPENAI.search(model):
        return None if effort == "none" else {"reasoning_effort": level}
    if _NOVA.search(model):
        kind = {"type": "disabled" if effort == "none" else "enabled"}
        told = kind if effort == "none" else {**kind, "maxReasoningEffort": level}
        return {"reasoningConfig": told}
    return None


def _claude(
    body: dict[str, Any], effort: str, model: str, conversation: Conversation
) -> dict[str, Any] | None:
    """Not to think is what it does by itself. With a tool that it must call, after calls that lost
    their signed thoughts, or without room for them, it cannot be asked to."""
    if _BEFORE_THINKING.search(model):
        return None
    if effort == "none":
        return {}
    if not _BY_BUDGET.search(model):
        body.setdefault("outputConfig", {})["effort"] = "low" if effort == "minimal" else effort
        return {"thinking": {"type": "adaptive"}}
    limit = body.get("inferenceConfig", {}).get("maxTokens")
    is_forced = "toolChoice" in body.get("toolConfig", {})
    if is_forced or conversation.has_unsigned_calls or _is_too_little(limit):
        return None
    budget = _BUDGETS.get(effort, _BUDGETS["xhigh"])
    if limit is None:
        body.setdefault("inferenceConfig", {})["maxTokens"] = budget + 4096
    else:
        budget = min(budget, limit - 1)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _is_too_little(limit: Any) -> bool:
    return limit is not None and (type(limit) is not int or limit <= _MIN_BUDGET)
