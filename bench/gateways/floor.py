"""Contenders that are yardsticks: the provider called directly, and a proxy that only passes on."""

import os
import sys

from bench.gateways.contender import Address, Contender, Server
from llmhub.embedded.ports import free_port


def provider_start(port: int) -> Server:
    return Server([sys.executable, "-m", "bench.gateways.provider", str(port)], os.environ)


def direct(provider_port: int) -> Contender:
    return Contender("direct", None, lambda _: Address(provider_port))


def bare_proxy(provider_port: int) -> Contender:
    port = free_port()
    argv = [sys.executable, "-m", "uvicorn", "bench.gateways.bare_proxy:application"]
    argv += ["--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    upstream = f"http://127.0.0.1:{provider_port}/v1/chat/completions"
    environment = os.environ | {"BENCH_UPSTREAM": upstream}
    return Contender("bare proxy", lambda: Server(argv, environment), lambda _: Address(port))
