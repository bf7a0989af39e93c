from typing import Any

import pytest

from providers.protocols.usage import IMPOSSIBLE, Usage, usage_make, usage_read

CHAT = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        (CHAT, Usage(10, 5)),
        ({"prompt_tokens": 10, "total_tokens": 10}, Usage(10, 0)),
        ({"total_tokens": 9}, Usage(9, 0)),
        ({"input_tokens": 3, "output_tokens": 4}, Usage(3, 4)),
        ({"prompt_tokens": 10.0, "completion_tokens": 5.0}, Usage(10, 5)),
        ({**CHAT, "prompt_tokens_details": {"cached_tokens": 8}}, Usage(10, 5, 8)),
        ({**CHAT, "prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 4}, Usage(10, 5, 6)),
        ({**CHAT, "completion_tokens_details": {"reasoning_tokens": 5}}, Usage(10, 5, 0, 5)),
        (
            {**CHAT, "prompt_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 3}},
            Usage(10, 5, 6, cache_write_tokens=3),
        ),
        (
            {**CHAT, "prompt_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 9}},
            Usage(10, 5, 6, cache_write_tokens=4),
        ),
        ({**CHAT, "prompt_tokens_details": None}, Usage(10, 5)),
        ({**CHAT, "prompt_tokens_details": {"cached_tokens": None}}, Usage(10, 5)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage(0, 0)),
    ],
)
def test_it_reads_what_servers_report(reported: dict[str, Any], usage: Usage) -> None:
    assert usage_read(reported) == (usage, False)


def test_reasoning_beside_the_completion_is_part_of_the_output() -> None:
    details = {"completion_tokens_details": {"reasoning_tokens": 90}}
    reported = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 105, **details}
    assert usage_read(reported).usage == Usage(10, 95, 0, 90)


@pytest.mark.parametrize("reported", [None, {}, {"prompt_tokens": None}, {"seconds": 3}])
def test_nothing_reported_is_not_zero(reported: Any) -> None:
    assert usage_read(reported) == (None, False)


@pytest.mark.parametrize(
    "wrong", [float("nan"), float("inf"), -1, 10**30, "12", True, [1], {}, 1.5, 1_000_000_001]
)
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_impossible_usage_is_refused_and_flagged(name: str, wrong: Any) -> None:
    assert usage_read({**CHAT, name: wrong}) == (None, True)


@pytest.mark.parametrize("reported", ["many", 12, [CHAT]])
def test_usage_that_is_no_object_is_impossible(reported: Any) -> None:
    assert usage_read(reported).is_impossible


def test_a_part_is_never_larger_than_its_whole() -> None:
    assert usage_make(10, 5, cached_tokens=11).is_impossible
    assert usage_make(10, 5, reasoning_tokens=6).is_impossible
    assert usage_make(10, 5, cached_tokens=-1).is_impossible


def test_every_token_of_the_prompt_is_either_fresh_or_cached() -> None:
    usage = Usage(10, 5, cached_tokens=8)
    assert usage.fresh_input_tokens + usage.cached_tokens == usage.input_tokens
    assert usage.total_tokens == 15


@pytest.mark.parametrize(
    ("reported", "audio_ms"),
    [
        ({"type": "duration", "seconds": 3}, 3000),
        ({"type": "duration", "seconds": 2.5004}, 2500),
        ({"type": "duration", "seconds": "1.5"}, 1500),
        ({"type": "duration", "seconds": 0}, 0),
    ],
)
def test_audio_is_told_in_seconds(reported: dict[str, Any], audio_ms: int) -> None:
    assert usage_read(reported).usage == Usage(audio_ms=audio_ms)


@pytest.mark.parametrize("seconds", [None, -1, True, "long", "nan", "inf", 10**30, [], 10**400])
def test_impossible_seconds_are_refused(seconds: Any) -> None:
    assert usage_read({"type": "duration", "seconds": seconds}) == IMPOSSIBLE
