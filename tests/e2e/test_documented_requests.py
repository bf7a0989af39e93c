"""The requests of the documentation, as a user of the API sends them: only host and token differ.

OpenAI is played by a llama.cpp server: the operator's catalog file points the factory to it.
"""

import json
import subprocess
import sys

import pytest

from llmhub.config import ROOT
from tests.conftest import RunningModel
from tests.e2e.api import LLMApi
from tests.hub_process import HubProcess

pytestmark = pytest.mark.hub


@pytest.fixture(scope="module")
def api(running_hub: HubProcess, model_server: RunningModel) -> LLMApi:
    source = ROOT / "providers" / "catalog" / "factories" / "openai.json"
    factory = json.loads(source.read_text(encoding="utf-8"))
    for endpoint in factory["endpoints"].values():
        endpoint["base_url"] = model_server.base_url
    file = running_hub.folder.path / "openai.json"
    file.write_text(json.dumps(factory), encoding="utf-8")
    subprocess.run(
        [sys.executable, "manage.py", "load_catalog", "--file", str(file)],
        check=True,
        cwd=ROOT,
        env=running_hub.environment,
        capture_output=True,
    )
    return LLMApi(running_hub.url, running_hub.hub["demo"]["token"])


def test_a_refused_key_names_the_model_and_the_cause(api: LLMApi) -> None:
    answer = api.post("/llm/set_api_key", llm_factory="OpenAI", api_key="sk-not-the-right-key")
    assert answer.status == 422
    assert answer.body["retcode"] == 1
    assert answer.body["data"] is None
    assert answer.body["retmsg"].startswith("Fail to access model(gpt-5-nano) using this api")
    assert answer.body["error"]["code"] == "invalid_key"
    assert "OpenAI" not in api.get("/llm/my_llms").data


def test_set_api_key(api: LLMApi, model_server: RunningModel) -> None:
    answer = api.post("/llm/set_api_key", llm_factory="OpenAI", api_key=model_server.api_key)
    assert (answer.status, answer.body["retcode"], answer.body["data"]) == (200, 0, True)
    assert len(api.get("/llm/my_llms").data["OpenAI"]["llm"]) > 20


def test_add_llm(api: LLMApi, model_server: RunningModel) -> None:
    answer = api.post(
        "/llm/add_llm",
        llm_factory="OpenAI",
        llm_name="gpt-4",
        model_type="chat",
        api_key=model_server.api_key,
        max_tokens=4096,
    )
    assert (answer.status, answer.body["retcode"], answer.body["data"]) == (200, 0, True)


def test_a_missing_factory_is_named(api: LLMApi) -> None:
    answer = api.post("/llm/set_api_key", api_key="sk-0123456789abcdefghijklmnop")
    assert answer.status == 400
    assert answer.body["retmsg"] == "Missing required parameter: llm_factory"


def test_the_list_is_iterated_by_factory(api: LLMApi) -> None:
    data = api.get("/llm/list?model_type=chat").data
    callable_now = [
        f"{model['llm_name']}@{factory}"
        for factory, models in data.items()
        for model in models
        if model["available"] and model["fid"] == factory and model["model_type"] == "chat"
    ]
    assert "smollm2-135m-instruct@Builtin" in callable_now
    assert "gpt-4@OpenAI" in callable_now
