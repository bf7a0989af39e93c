"""The provider of the benchmark answers as OpenAI does, or the figures are about something else."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from openai import OpenAI

from bench.gateways.load import Job, run
from bench.gateways.payloads import (
    CHUNKS,
    REPLY_BYTES,
    REQUEST_BYTES,
    chat_call,
    chat_reply,
    pace_marker,
)
from bench.gateways.provider import request_end
from llmhub.config import ROOT
from llmhub.embedded.ports import answers, free_port
from tests.waiting import wait_until

_KNOCK = b"POST /v1/chat/completions HTTP/1.1\r\n\r\n"


@pytest.fixture
def port() -> Iterator[int]:
    port = free_port()
    argv = [sys.executable, "-m", "bench.gateways.provider", str(port)]
    with subprocess.Popen(argv, cwd=ROOT) as child:
        wait_until(lambda: answers(port, _KNOCK, b"200 OK"), what="the provider to listen")
        yield port
        child.kill()


@pytest.fixture
def client(port: int) -> Iterator[OpenAI]:
    with closing(OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="sk-bench")) as client:
        yield client


def test_a_chat_reply_is_one_for_the_official_client(client: OpenAI) -> None:
    for _ in range(3):  # on one connection
        reply = client.chat.completions.create(
            model="bench", messages=[{"role": "user", "content": "Hello, Alice here"}]
        )
        assert reply.choices[0].finish_reason == "stop"
        assert reply.usage is not None
        assert reply.usage.prompt_tokens > 0


@pytest.mark.parametrize("pace_us", [0, 10])
def test_a_stream_is_one_for_the_official_client(client: OpenAI, pace_us: int) -> None:
    stream = client.chat.completions.create(
        model="bench",
        messages=[{"role": "user", "content": pace_marker(pace_us)}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert len([word for word in words if word]) == CHUNKS
    assert chunks[-1].usage is not None


def test_sizes_are_what_the_report_says() -> None:
    call = _call(stream=False)
    assert len(call.partition(b"\r\n\r\n")[2]) == REQUEST_BYTES
    assert len(_call(stream=True).partition(b"\r\n\r\n")[2]) == REQUEST_BYTES
    assert len(chat_reply()) == REPLY_BYTES


def test_a_request_ends_where_its_framing_says() -> None:
    call = _call(stream=False)
    assert request_end(call) == request_end(call + b"POST") == len(call)
    assert not any(request_end(call[:cut]) for cut in range(len(call)))
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    assert request_end(chunked) == len(chunked)
    assert not any(request_end(chunked[:cut]) for cut in range(len(chunked)))


async def test_the_load_counts_every_answer_and_every_chunk(port: int) -> None:
    plain = await run(_job(port, stream=False))
    assert plain.failures == 0
    assert plain.calls > 0
    streamed = await run(_job(port, stream=True))
    assert streamed.failures == 0
    assert streamed.events >= streamed.calls * CHUNKS > 0
    assert streamed.first_event_s["p50"] < streamed.latency_s["p50"]


async def test_the_load_tells_of_calls_that_fail(port: int) -> None:
    """Such as a stream that never says that it is done."""
    result = await run(replace(_job(port, stream=False), is_stream=True))
    assert result.failures > 0
    assert result.first_failure


def _call(*, stream: bool) -> bytes:
    return chat_call(
        host="127.0.0.1", path="/v1/chat/completions", model="bench", headers={}, stream=stream
    )


def _job(port: int, *, stream: bool) -> Job:
    call = _call(stream=stream).decode("latin-1")
    return Job(port, call, connections=2, warm_s=0, measure_s=0.2, is_stream=stream)
