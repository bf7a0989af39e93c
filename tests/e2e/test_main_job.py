"""The main job, from `make up` to the bill, over HTTP and with the official openai package alone.

One hub for the whole story; the steps build on each other and run in this order.
"""

import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import openai
import pytest

from tests.conftest import RunningModel
from tests.e2e.api import Answer, LLMApi
from tests.hub_process import HubProcess
from tests.waiting import wait_until

pytestmark = pytest.mark.hub

FACTORY = "OpenAI-API-Compatible"
BUILTIN = "smollm2-135m-instruct@Builtin"
QUESTION: Any = [{"role": "user", "content": "Name one colour of the rainbow."}]


class Story:
    """The demo tenant's two clients, and the tokens that the replies reported, by model."""

    def __init__(self, hub: HubProcess) -> None:
        self.hub = hub
        self.reported: dict[tuple[str, str, str], int] = {}
        self._clients: list[openai.OpenAI] = []

    @property
    def api(self) -> LLMApi:
        return LLMApi(self.hub.url, self.hub.hub["demo"]["token"])

    @property
    def client(self) -> openai.OpenAI:
        return self.client_with(self.hub.hub["demo"]["token"])

    def client_with(self, token: str) -> openai.OpenAI:
        client = openai.OpenAI(base_url=f"{self.hub.url}/v1", api_key=token, max_retries=0)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def note(self, factory: str, model_type: str, model: str, usage: Any) -> None:
        key = (factory, model_type, model)
        self.reported[key] = self.reported.get(key, 0) + usage.total_tokens

    def used(self) -> dict[tuple[str, str, str], int]:
        """What /llm/my_llms says, for the models that were called."""
        found = {
            (factory, model["type"], model["name"]): model["used_token"]
            for factory, entry in self.api.get("/llm/my_llms").data.items()
            for model in entry["llm"]
        }
        return {key: found[key] for key in self.reported}


@pytest.fixture(scope="module")
def story(running_hub: HubProcess) -> Iterator[Story]:
    story = Story(running_hub)
    yield story
    story.close()


@pytest.fixture
def own(model_server: RunningModel) -> SimpleNamespace:
    """What the tenant would type for its own llama.cpp server."""
    return SimpleNamespace(
        base=model_server.base_url, key=model_server.api_key, model=model_server.model
    )


def _refused(answer: Answer, status: int, code: str) -> str:
    assert answer.status == status, answer.body
    assert answer.body["retcode"] == 1
    assert answer.body["data"] is None
    assert answer.body["error"]["code"] == code
    return str(answer.body["retmsg"])


def test_the_catalog_is_there(story: Story) -> None:
    factories = story.api.get("/llm/factories").data
    names = [factory["name"] for factory in factories]
    assert names[0] == "OpenAI"
    assert {"Anthropic", "Azure-OpenAI", "Google Cloud", "Ollama", "HuggingFace"} <= set(names)
    first = factories[0]
    assert first["status"] == "1"
    assert first["rank"] == "999"
    assert set(first["model_types"]) >= {"chat", "embedding", "tts", "speech2text", "image2text"}
    assert first["credential_fields"][0]["name"] == "api_key"


def test_the_builtin_model_chats(story: Story) -> None:
    reply = story.client.chat.completions.create(model=BUILTIN, messages=QUESTION, max_tokens=24)
    assert len(str(reply.choices[0].message.content).split()) > 1
    story.note("Builtin", "chat", "smollm2-135m-instruct", reply.usage)


def test_the_builtin_model_streams(story: Story) -> None:
    stream = story.client.chat.completions.create(
        model=BUILTIN,
        messages=QUESTION,
        max_tokens=24,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert len(words.split()) > 1
    assert len(chunks) > 5
    story.note("Builtin", "chat", "smollm2-135m-instruct", chunks[-1].usage)


def test_the_builtin_model_embeds(story: Story) -> None:
    reply = story.client.embeddings.create(model=BUILTIN, input=["red", "a rainbow"])
    assert len(reply.data) == 2
    assert len(reply.data[0].embedding) > 100
    story.note("Builtin", "embedding", "smollm2-135m-instruct", reply.usage)


def test_a_wrong_key_is_refused_and_nothing_is_stored(story: Story, own: SimpleNamespace) -> None:
    answer = story.api.post(
        "/llm/set_api_key", llm_factory=FACTORY, api_key="sk-wrong-wrong-wrong", api_base=own.base
    )
    message = _refused(answer, 422, "invalid_key")
    assert message.startswith(f"Fail to access model({FACTORY}) using this api key.")
    assert FACTORY not in story.api.get("/llm/my_llms").data
    assert story.api.get("/llm/connections").data["items"] == []


def test_the_right_key_is_stored_with_what_the_server_lists(
    story: Story, own: SimpleNamespace
) -> None:
    answer = story.api.post(
        "/llm/set_api_key", llm_factory=FACTORY, api_key=own.key, api_base=own.base
    )
    assert answer.data is True
    assert answer.body["details"]["probes"][0]["ok"] is True
    listed = story.api.get("/llm/list?model_type=chat").data[FACTORY]
    assert [(model["llm_name"], model["available"]) for model in listed] == [(own.model, True)]


def test_an_embedding_model_is_added_to_it_without_the_key(
    story: Story, own: SimpleNamespace
) -> None:
    answer = story.api.post(
        "/llm/add_llm",
        llm_factory=FACTORY,
        llm_name=own.model,
        model_type="embedding",
        max_tokens=512,
    )
    assert answer.data is True
    reply = story.client.embeddings.create(model=f"{own.model}@{FACTORY}", input="red")
    story.note(FACTORY, "embedding", own.model, reply.usage)


def test_a_call_that_names_no_model_uses_the_default(story: Story, own: SimpleNamespace) -> None:
    name = f"{own.model}@{FACTORY}"
    assert story.api.put("/llm/defaults", chat=name).data is True
    assert story.api.get("/llm/defaults").data["chat"] == name
    raw = story.client.chat.completions.with_raw_response.create(
        model="", messages=QUESTION, max_tokens=16
    )
    assert raw.headers["x-llmhub-model"] == f"{own.model}@default@{FACTORY}"
    story.note(FACTORY, "chat", own.model, raw.parse().usage)


def test_a_stream_whose_caller_asked_for_no_usage_is_metered_too(
    story: Story, own: SimpleNamespace
) -> None:
    plain = story.client.chat.completions.create(
        model=f"{own.model}@{FACTORY}", messages=QUESTION, max_tokens=12, temperature=0
    )
    stream = story.client.chat.completions.create(
        model=f"{own.model}@{FACTORY}",
        messages=QUESTION,
        max_tokens=12,
        temperature=0,
        stream=True,
    )
    chunks = list(stream)
    assert all(chunk.usage is None for chunk in chunks)
    words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert words == plain.choices[0].message.content
    # The same answer costs the same, and the caller did not see this one's usage.
    story.note(FACTORY, "chat", own.model, plain.usage)
    story.note(FACTORY, "chat", own.model, plain.usage)


def test_a_disabled_model_is_refused_on_the_very_next_call(
    story: Story, own: SimpleNamespace
) -> None:
    which = {"llm_factory": FACTORY, "llm_name": own.model, "model_type": "chat"}
    assert story.api.post("/llm/enable_llm", **which, status="0").data is True
    with pytest.raises(openai.APIStatusError) as refused:
        story.client.chat.completions.create(
            model=f"{own.model}@{FACTORY}", messages=QUESTION, max_tokens=4
        )
    assert refused.value.status_code in (403, 404)
    assert refused.value.code == "model_disabled"
    listed = story.api.get("/llm/list?model_type=chat").data[FACTORY][0]
    assert (listed["available"], listed["status"]) == (False, "0")
    assert story.api.post("/llm/enable_llm", **which, status="1").data is True
    reply = story.client.chat.completions.create(
        model=f"{own.model}@{FACTORY}", messages=QUESTION, max_tokens=4
    )
    story.note(FACTORY, "chat", own.model, reply.usage)


def test_a_revoked_token_is_refused_on_its_very_next_call(story: Story) -> None:
    made = story.api.post("/llm/tokens", name="short-lived", scopes=["inference"])
    token = made.body["details"]["token"]
    client = story.client_with(token)
    assert client.models.list().data
    story.api.delete(f"/llm/tokens/{made.body['details']['id']}")
    with pytest.raises(openai.AuthenticationError):
        client.models.list()


def test_the_used_tokens_are_exactly_what_the_replies_reported(story: Story) -> None:
    wait_until(lambda: story.used() == story.reported, what=f"{story.reported} in {story.used()}")
    days = story.api.get("/llm/usage").data["items"]
    assert sum(day["total_tokens"] for day in days) == sum(story.reported.values())


def test_everything_is_there_after_a_restart(story: Story, own: SimpleNamespace) -> None:
    assert story.hub.stop(signal.SIGTERM) == 0
    story.hub.start()
    _still_works(story, own)


def test_everything_is_there_after_every_process_was_killed(
    story: Story, own: SimpleNamespace
) -> None:
    story.hub.kill_everything()
    story.hub.start()
    _still_works(story, own)


def _still_works(story: Story, own: SimpleNamespace) -> None:
    assert story.used() == story.reported
    assert story.api.get("/llm/defaults").data["chat"] == f"{own.model}@{FACTORY}"
    reply = story.client.chat.completions.create(model="", messages=QUESTION, max_tokens=4)
    story.note(FACTORY, "chat", own.model, reply.usage)
    wait_until(lambda: story.used() == story.reported, what=f"{story.reported} in {story.used()}")
