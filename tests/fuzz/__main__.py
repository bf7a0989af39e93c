"""`make fuzz ARGS=5`: five minutes of requests from both descriptions, half of them for each.

Prints how many requests were made, how they were answered, and the memory of the web process, and
fails where anything answered with a 5xx of the hub's own, or told a secret.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from llmhub.config import ROOT
from llmhub.embedded.ports import is_free
from tests.e2e.api import LLMApi
from tests.hub_process import HubProcess
from tests.provider_server import running_provider

KEY = "sk-canary-0123456789abcdefghij"
FIRST_PORT = 9500
MAX_GROWTH_MB = 60
"""After warming up: caches of addresses, tokenizer and compiled patterns are filled once."""
MODELS = {
    "chat": "gpt-4o",
    "embeddings": "text-embedding-3-small",
    "speech": "tts-1",
    "transcriptions": "whisper-1",
    "translations": "whisper-1",
    "generations": "gpt-image-1",
    "moderations": "omni-moderation-latest",
    "rerank": "test-rerank",
}


def main(minutes: float) -> int:
    hub = HubProcess(HUB_MODEL="off")
    hub.port = next(port for port in count(FIRST_PORT) if is_free(port))
    with running_provider() as provider, tempfile.TemporaryDirectory() as folder:
        try:
            hub.start()
            _prepare(LLMApi(hub.url, hub.hub["demo"]["token"]), provider.url)
            return _fuzz(hub, Path(folder), minutes * 60)
        finally:
            hub.close()


def _prepare(api: LLMApi, provider_url: str) -> None:
    """A key for every kind of model, and a reranker."""
    set_ = api.post("/llm/set_api_key", llm_factory="OpenAI", api_key=KEY, api_base=provider_url)
    assert set_.data, set_.body
    added = api.post(
        "/llm/add_llm",
        llm_factory="OpenAI-API-Compatible",
        llm_name="test-rerank",
        model_type="rerank",
        api_base=provider_url,
        api_key=KEY,
    )
    assert added.data is True, added.body


def _fuzz(hub: HubProcess, folder: Path, seconds: float) -> int:
    gateway = yaml.safe_load((ROOT / "docs" / "openapi-v1.yaml").read_text(encoding="utf-8"))
    _name_models(gateway)
    management = _get(f"{hub.url}/llm/schema?format=json")
    codes = []
    print(f"warming up: {_run(hub, folder, 'v1', gateway, min(20, seconds / 4))[1]}", flush=True)
    before = _memory_mb(hub)
    for name, schema in (("v1", gateway), ("llm", management)):
        code, counts = _run(hub, folder, name, schema, seconds / 2)
        statuses = {status: n for status, n in sorted(counts.items()) if status.isdigit()}
        print(f"{name}: {sum(statuses.values())} requests, {dict(sorted(counts.items()))}")
        codes.append(code)
        print(f"{name}: web process {before:.0f} MB before, {_memory_mb(hub):.0f} MB after")
    growth = _memory_mb(hub) - before
    print(f"growth {growth:.0f} MB, at most {MAX_GROWTH_MB} are fine")
    return 1 if any(codes) or growth > MAX_GROWTH_MB else 0


def _name_models(gateway: Any) -> None:
    """With any name a call would end before it reaches the provider."""
    for path, operations in gateway["paths"].items():
        model = next((m for word, m in MODELS.items() if word in path.split("/")), None)
        for content in (
            operations.get("post", {}).get("requestBody", {}).get("content", {}).values()
        ):
            content["schema"]["properties"]["model"] = {"enum": [model]}
            # Two paths may share what the file says once.
            content["schema"]["required"] = [*{*content["schema"]["required"], "model"}]


def _run(
    hub: HubProcess, folder: Path, name: str, schema: Any, seconds: float
) -> tuple[int, Counter[str]]:
    described, counts = folder / f"{name}.json", folder / f"{name}-counts.json"
    described.write_text(json.dumps(schema), encoding="utf-8")
    token = hub.hub["demo"]["token"]
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(described), "--url", hub.url),
        *("--header", f"Authorization: Bearer {token}"),
        *("--checks", "nothing_broke,nothing_leaked,it_has_an_id"),
        *("--phases", "examples,coverage,fuzzing", "--max-time", str(int(seconds))),
        *("--max-examples", "100000", "--continue-on-failure", "--no-shrink", "--workers", "2"),
        *("--suppress-health-check", "all", "--request-timeout", "60", "--warnings", "off"),
        *("--exclude-path", "/llm/tokens/{token_id}", "--generation-database", "none"),
    ]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        "PYTHONPATH": str(ROOT),
        "FUZZ_COUNTS": str(counts),
        "FUZZ_CANARIES": ",".join((KEY, "Traceback (most", str(hub.data_dir))),
    }
    code = subprocess.call(command, env=environment, cwd=folder)
    return code, Counter(json.loads(counts.read_text(encoding="utf-8")))


def _memory_mb(hub: HubProcess) -> float:
    """Resident, of the process that serves."""
    web = next(pid for pid, line in hub.processes().items() if "llmhub.serve" in line)
    status = Path(f"/proc/{web}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main(float((sys.argv[1:] or ["5"])[0])))
