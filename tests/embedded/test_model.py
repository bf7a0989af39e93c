import openai
import pytest

from tests.conftest import RunningModel


@pytest.fixture
def client(model_server: RunningModel) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=model_server.base_url, api_key=model_server.api_key, max_retries=0
    )


def test_it_lists_its_name_and_no_path(client: openai.OpenAI) -> None:
    models = client.models.list().data
    assert [model.id for model in models] == ["smollm2-135m-instruct"]
    assert 'gguf"' not in models[0].model_dump_json()
    assert "/" not in models[0].id


def test_it_chats_and_counts_tokens(client: openai.OpenAI, model_server: RunningModel) -> None:
    answer = client.chat.completions.create(
        model=model_server.model,
        messages=[{"role": "user", "content": "Say hello."}],
        max_tokens=8,
    )
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 8


def test_it_streams(client: openai.OpenAI, model_server: RunningModel) -> None:
    stream = client.chat.completions.create(
        model=model_server.model,
        messages=[{"role": "user", "content": "Say hello."}],
        max_tokens=8,
        stream=True,
    )
    words = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    assert "".join(word for word in words if word)


def test_it_embeds(client: openai.OpenAI, model_server: RunningModel) -> None:
    answer = client.embeddings.create(
        model=model_server.model, input=["a cat", "a dog"], encoding_format="float"
    )
    first, second = (item.embedding for item in answer.data)
    assert len(first) == len(second) == 576
    assert first != second


def test_it_refuses_a_wrong_key(model_server: RunningModel) -> None:
    stranger = openai.OpenAI(base_url=model_server.base_url, api_key="sk-wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        stranger.chat.completions.create(
            model=model_server.model, messages=[{"role": "user", "content": "Hi"}]
        )
