"""Audio that goes on to a provider while it arrives: in JSON, or as all of the body."""

import base64
import json
from collections.abc import AsyncGenerator, Callable

import pytest

from llmhub.base.errors import InvalidRequest
from providers.protocols.registry import PROTOCOLS
from providers.protocols.wire import AudioFile, Payload, StreamedBody
from tests.providers.protocols.test_exchanges import TARGETS

SOUND = bytes(range(251)) * 5


def arriving(
    size: int, name: str = "a.wav", late: Callable[[], Payload] = dict, length: int | None = None
) -> AudioFile:
    async def chunks() -> AsyncGenerator[bytes, None]:
        for start in range(0, len(SOUND), size):
            yield SOUND[start : start + size]

    return AudioFile(name, "audio/wav", StreamedBody(chunks, length), late)


async def all_of(body: bytes | StreamedBody) -> bytes:
    assert isinstance(body, StreamedBody)
    return b"".join([chunk async for chunk in body.chunks()])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 64, 10_000])
async def test_dashscope_gets_it_in_base64_however_it_arrives(size: int) -> None:
    late: Payload = {"language": "de"}
    request = PROTOCOLS["dashscope"].transcription_request(
        TARGETS["dashscope"], {"prompt": 'Say "hi"'}, arriving(size, late=lambda: late), model="m"
    )
    body = json.loads(await all_of(request.body))
    system, user = body["input"]["messages"]
    assert system["content"] == [{"text": 'Say "hi"'}]
    head, _, sound = user["content"][0]["audio"].partition(",")
    assert head == "data:audio/wav;base64"
    assert base64.b64decode(sound) == SOUND
    assert body["parameters"] == {"asr_options": {"language": "de"}}


async def test_a_prompt_that_follows_the_audio_is_refused() -> None:
    audio = arriving(64, late=lambda: {"prompt": "x"})
    request = PROTOCOLS["dashscope"].transcription_request(
        TARGETS["dashscope"], {}, audio, model="m"
    )
    with pytest.raises(InvalidRequest, match="prompt follows"):
        await all_of(request.body)


async def test_tencent_gets_it_with_its_size_under_a_signature_that_covers_no_body() -> None:
    request = PROTOCOLS["tencent-speech"].transcription_request(
        TARGETS["tencent-speech"], {}, arriving(7), model="16k_zh"
    )
    body = json.loads(await all_of(request.body))
    assert base64.b64decode(body["Data"]) == SOUND
    assert body["DataLen"] == len(SOUND)
    assert request.headers["x-tc-content-sha256"] == "UNSIGNED-PAYLOAD"


async def test_deepgram_gets_it_as_it_is_with_its_length() -> None:
    request = PROTOCOLS["deepgram"].transcription_request(
        TARGETS["deepgram"], {"language": "de"}, arriving(7, length=len(SOUND)), model="m"
    )
    assert isinstance(request.body, StreamedBody)
    assert request.body.length == len(SOUND)
    assert await all_of(request.body) == SOUND
    assert request.headers["content-type"] == "audio/wav"


async def test_deepgram_is_told_nothing_too_late() -> None:
    audio = arriving(7, late=lambda: {"language": "de"})
    request = PROTOCOLS["deepgram"].transcription_request(TARGETS["deepgram"], {}, audio, model="m")
    with pytest.raises(InvalidRequest, match="language follows the file"):
        await all_of(request.body)


def test_tencent_hears_no_unknown_format() -> None:
    audio = AudioFile("a.xyz", "audio/xyz", b"x")
    with pytest.raises(InvalidRequest, match="wav"):
        PROTOCOLS["tencent-speech"].transcription_request(
            TARGETS["tencent-speech"], {}, audio, model="16k_zh"
        )
