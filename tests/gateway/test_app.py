"""The gateway's main job, with the official client against a scripted provider."""

import openai

from tests.committed_people import Person
from tests.provider_server import PROMPT_TOKENS, WORDS, ProviderServer

HELLO = [{"role": "user", "content": "Hello"}]
ANSWER = "".join(WORDS)


def test_it_lists_the_tenants_models(client: openai.OpenAI) -> None:
    models = {model.id: model for model in client.models.list()}
    assert set(models) == {"test-chat", "test-embedding"}
    assert models["test-chat"].owned_by == "Scripted"


def test_it_answers_a_chat_and_meters_it_exactly(client: openai.OpenAI, alice: Person) -> None:
    reply = client.chat.completions.create(model="test-chat", messages=HELLO)
    assert reply.choices[0].message.content == ANSWER
    [event] = alice.ledger()
    assert (event.input_tokens, event.output_tokens) == (PROMPT_TOKENS, len(WORDS))
    assert not event.is_estimated
    assert alice.used_tokens()["test-chat"] == PROMPT_TOKENS + len(WORDS)


def test_it_streams_a_chat_without_the_usage_chunk(
    client: openai.OpenAI, alice: Person, provider: ProviderServer
) -> None:
    with client.chat.completions.create(model="test-chat", messages=HELLO, stream=True) as stream:
        chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == ANSWER
    assert provider.seen[-1].json["stream_options"] == {"include_usage": True}
    [event] = alice.ledger()
    assert provider.seen[-1].id == str(event.request_id)
    assert (event.input_tokens, event.output_tokens) == (PROMPT_TOKENS, len(WORDS))
    assert event.is_streamed
    assert event.first_byte_ms is not None


def test_it_keeps_the_usage_chunk_for_who_asks(client: openai.OpenAI) -> None:
    with client.chat.completions.create(
        model="test-chat", messages=HELLO, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == PROMPT_TOKENS


def test_it_embeds(client: openai.OpenAI, alice: Person) -> None:
    reply = client.embeddings.create(
        model="test-embedding", input=["one", "two"], encoding_format="float"
    )
    assert len(reply.data) == 2
    [event] = alice.ledger()
    assert (event.input_tokens, event.output_tokens, event.model_type) == (4, 0, "embedding")
