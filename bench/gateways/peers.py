"""The gateways that this hub is compared with, installed from their packages into bench/peers.

Each runs as its documentation has it for a single process, without a database: TensorZero without
observability and authentication, LiteLLM with a master key, Portkey with the provider in headers.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.gateways.contender import Address, Contender, Server
from llmhub.config import ROOT
from llmhub.embedded.ports import free_port

PEERS = ROOT / "bench" / "peers"
VERSIONS = {
    "Portkey": {"@portkey-ai/gateway": "1.15.2", "@hono/node-server": "1.13.5", "hono": "4.9.7"},
    "TensorZero": {"tensorzero": "2026.6.0"},
    "LiteLLM": {"litellm[proxy]": "1.106.2"},
}
_TENSORZERO_SERVE = """
import sys, threading
from tensorzero.tensorzero import _start_http_gateway
gateway = _start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None,
    async_setup=False,
)
print(gateway.base_url, flush=True)
threading.Event().wait()
"""


def portkey(provider_port: int) -> Contender:
    """https://portkey.ai/docs/product/ai-gateway: the provider is named by the call's headers."""
    folder, port = _portkey_install(), free_port()
    script = folder / "node_modules/@portkey-ai/gateway/build/start-server.js"
    argv = ["node", str(script), f"--port={port}", "--headless"]
    headers = {
        "authorization": "Bearer sk-bench",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"http://127.0.0.1:{provider_port}/v1",
    }
    address = Address(port, headers=headers)
    environment = os.environ | {"NODE_ENV": "production"}
    return Contender("Portkey", lambda: Server(argv, environment, folder), lambda _: address)


def tensorzero(provider_port: int) -> Contender:
    """The HTTP gateway inside the Python package, which the package's own clients start."""
    folder = _python_install("TensorZero")
    config = folder / "tensorzero.toml"
    config.write_text(
        f"""[gateway]
observability.enabled = false
disable_pseudonymous_usage_analytics = true
[models.bench]
routing = ["loopback"]
[models.bench.providers.loopback]
type = "openai"
model_name = "bench"
api_base = "http://127.0.0.1:{provider_port}/v1/"
api_key_location = "none"
"""
    )
    argv = [str(folder / "bin/python"), "-c", _TENSORZERO_SERVE, str(config)]
    return Contender("TensorZero", lambda: Server(argv, os.environ, folder), _tensorzero_locate)


def _tensorzero_locate(server: Server | None) -> Address | None:
    """It takes a free port and tells which."""
    assert server is not None
    lines = [line for line in server.output().splitlines() if line.startswith("http://")]
    if not lines:
        return None
    port = int(lines[-1].split(":")[2].split("/")[0])
    return Address(port, "/openai/v1/chat/completions", "tensorzero::model_name::bench")


def litellm(provider_port: int) -> Contender:
    """https://docs.litellm.ai/docs/proxy/configs"""
    folder, port = _python_install("LiteLLM"), free_port()
    config = folder / "config.json"
    parameters = {
        "model": "openai/bench",
        "api_base": f"http://127.0.0.1:{provider_port}/v1",
        "api_key": "sk-bench",
    }
    content = {
        "model_list": [{"model_name": "bench", "litellm_params": parameters}],
        "general_settings": {"master_key": "sk-bench"},
        "litellm_settings": {"telemetry": False},
    }
    config.write_text(json.dumps(content))  # JSON is YAML
    argv = [str(folder / "bin/litellm"), "--config", str(config), "--host", "127.0.0.1"]
    argv += ["--port", str(port), "--num_workers", "1"]
    address = Address(port, headers={"authorization": "Bearer sk-bench"})
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    return Contender("LiteLLM", lambda: Server(argv, environment, folder), lambda _: address)


def _portkey_install() -> Path:
    """Raises RuntimeError where there is no npm."""
    folder, wanted = PEERS / "portkey", VERSIONS["Portkey"]
    if _is_installed(folder, wanted):
        return folder
    if not shutil.which("npm"):
        raise RuntimeError("npm is not installed, and Portkey's gateway is an npm package")
    folder.mkdir(parents=True, exist_ok=True)
    gateway, *below = wanted
    package = {
        "private": True,
        "dependencies": {gateway: wanted[gateway]},
        "overrides": {name: wanted[name] for name in below},
    }
    (folder / "package.json").write_text(json.dumps(package))
    print("  installing Portkey", flush=True)
    _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    return _mark_installed(folder, wanted)


def _python_install(name: str) -> Path:
    """A virtual environment of its own, made by the `uv` that `make install` brings."""
    folder, wanted = PEERS / name.lower(), VERSIONS[name]
    if _is_installed(folder, wanted):
        return folder
    print(f"  installing {name}", flush=True)
    uv = [sys.executable, "-m", "uv"]
    _run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], ROOT)
    packages = [f"{package}=={version}" for package, version in wanted.items()]
    python = ["--python", str(folder / "bin/python")]
    _run([*uv, "pip", "install", "--quiet", "--compile-bytecode", *python, *packages], ROOT)
    return _mark_installed(folder, wanted)


def _is_installed(folder: Path, wanted: dict[str, str]) -> bool:
    stamp = folder / "installed.json"
    return stamp.exists() and json.loads(stamp.read_text()) == wanted


def _mark_installed(folder: Path, wanted: dict[str, str]) -> Path:
    (folder / "installed.json").write_text(json.dumps(wanted))
    return folder


def _run(argv: list[str], folder: Path) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv[:4])} failed: {done.stderr[-1000:]}")
