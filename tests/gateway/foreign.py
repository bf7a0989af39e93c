"""Providers of other protocols: a connection to the scripted provider, and what was said in words
that every official client's answer can be put into."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llmhub.base.model_types import ModelType
from llmhub.base.secret import Secret
from providers.models import LLMFactory
from providers.selectors import factory_get
from tenants.llms.services.connections import ConnectionFacts, ModelFacts, connection_save
from tenants.models import ConnectionState
from tests.committed_people import ACTOR, Person

Credentials = Mapping[str, str | Secret]


@contextmanager
def connected(
    person: Person,
    protocol: str,
    base_url: str,
    credentials: Credentials,
    names: Sequence[str],
    model_type: ModelType = ModelType.CHAT,
) -> Iterator[None]:
    """The person's connection to a provider that speaks `protocol`, with these models."""
    fields = [
        {"name": name, "label": name, "is_secret": isinstance(value, Secret), "is_required": False}
        for name, value in credentials.items()
    ]
    endpoint = {"protocol": protocol, "base_url": ""}
    factory = LLMFactory.objects.create(
        name=f"Foreign {protocol}",
        endpoints={model_type.value: endpoint},
        credential_fields=fields,
    )
    facts = ConnectionFacts(
        factory=factory_get(name=factory.name),
        name="default",
        base_url=base_url,
        credentials=dict(credentials),
        state=ConnectionState.VALID,
    )
    models = [ModelFacts(name, model_type) for name in names]
    connection_save(tenant=person.tenant, facts=facts, models=models, actor=ACTOR)
    yield
    factory.delete()


@dataclass(frozen=True)
class Said:
    """An answer, whoever carried it: `finish` and the counts are in the hub's terms."""

    text: str
    reasoning: str
    calls: tuple[tuple[str, str, Any], ...]
    finish: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


def said_by_hub(completion: Any) -> Said:
    """A completion of the official `openai` client."""
    (choice,) = completion.choices
    message, usage = choice.message, completion.usage
    return Said(
        message.content or "",
        getattr(message, "reasoning_content", ""),
        tuple(
            (call.id, call.function.name, json.loads(call.function.arguments))
            for call in message.tool_calls or ()
        ),
        choice.finish_reason,
        usage.prompt_tokens,
        usage.completion_tokens,
        getattr(usage.prompt_tokens_details, "cached_tokens", 0),
    )


def said_in_chunks(chunks: Iterable[Any]) -> Said:
    """A stream of the official `openai` client, its usage asked for."""
    text, reasoning, finish, usage = "", "", "", None
    calls: dict[int, list[str]] = {}
    for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            reasoning += getattr(choice.delta, "reasoning_content", "") or ""
            finish = choice.finish_reason or finish
            for call in choice.delta.tool_calls or ():
                known = calls.setdefault(call.index, ["", "", ""])
                known[0] += call.id or ""
                known[1] += call.function.name or ""
                known[2] += call.function.arguments or ""
    assert usage is not None
    return Said(
        text,
        reasoning,
        tuple((id_, name, json.loads(arguments)) for id_, name, arguments in calls.values()),
        finish,
        usage.prompt_tokens,
        usage.completion_tokens,
        getattr(usage.prompt_tokens_details, "cached_tokens", 0),
    )
