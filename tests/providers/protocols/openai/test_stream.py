import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure
from providers.protocols.openai.stream import OpenAIStreamReader
from providers.protocols.usage import Usage
from tests.properties import untimed
from tests.provider_server import PROMPT_TOKENS, WORDS, stream_chunks

DONE = b"data: [DONE]\n\n"
USAGE = Usage(PROMPT_TOKENS, len(WORDS))
WITH_USAGE = b"".join(stream_chunks(has_usage=True))
WITHOUT_USAGE = b"".join(stream_chunks(has_usage=False))


def _event(body: Any) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def _delta(text: str, *, index: int = 0, finish: str | None = None) -> bytes:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
    return _event({"choices": [choice]})


def _relay(*chunks: bytes, hide_usage: bool = False) -> tuple[OpenAIStreamReader, bytes]:
    reader = OpenAIStreamReader(hide_usage=hide_usage)
    return reader, b"".join(reader.feed(chunk) for chunk in chunks)


def test_a_stream_passes_untouched_and_its_end_waits_for_settlement() -> None:
    reader, passed = _relay(WITH_USAGE)
    assert passed == WITH_USAGE.removesuffix(DONE)
    assert reader.finish() == DONE
    assert reader.usage == USAGE
    assert reader.output_text == "".join(WORDS)
    assert reader.is_done
    assert reader.has_end_marker
    assert reader.failure is None


def test_the_usage_chunk_is_hidden_from_a_caller_who_did_not_ask() -> None:
    reader, passed = _relay(WITH_USAGE, hide_usage=True)
    assert b'"choices": []' not in passed
    assert passed.count(b"data: ") == len(WORDS) + 1
    assert reader.usage == USAGE


def test_usage_in_a_chunk_with_content_is_read_and_not_hidden() -> None:
    choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}
    event = _event({"choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 2}})
    reader, passed = _relay(event, hide_usage=True)
    assert passed == event
    assert reader.usage == Usage(1, 2)


def test_azures_chunk_without_choices_and_usage_is_not_hidden() -> None:
    event = _event({"choices": [], "prompt_filter_results": []})
    assert _relay(event, hide_usage=True)[1] == event


def test_of_growing_usages_the_last_counts() -> None:
    events = [
        _event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": n}})
        for n in (1, 2, 9)
    ]
    assert _relay(*events)[0].usage == Usage(1, 9)


def test_impossible_usage_is_flagged() -> None:
    event = _event({"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": 1}})
    reader, _ = _relay(event)
    assert reader.usage is None
    assert reader.usage_report.is_impossible


@pytest.mark.parametrize("hide_usage", [True, False])
@pytest.mark.parametrize("stream", [WITH_USAGE, WITH_USAGE.replace(b"\n", b"\r\n")])
def test_a_cut_at_any_byte_of_the_way_changes_nothing(stream: bytes, hide_usage: bool) -> None:
    _, at_once = _relay(stream, hide_usage=hide_usage)
    for cut in range(len(stream)):
        reader, passed = _relay(stream[:cut], stream[cut:], hide_usage=hide_usage)
        assert passed == at_once
        assert reader.finish() == DONE
        assert reader.usage == USAGE


def test_a_stream_that_ends_at_any_byte_before_its_finish_is_never_done() -> None:
    finish = WITHOUT_USAGE.index(b'"finish_reason": "stop"')
    end_of_finish = WITHOUT_USAGE.index(b"\n\n", finish)
    for cut in range(end_of_finish - 1):
        reader, passed = _relay(WITHOUT_USAGE[:cut])
        assert not reader.is_done
        assert b"[DONE]" not in passed
        assert passed == b"" or passed.endswith(b"\n\n")
        with pytest.raises(ProviderError):
            reader.finish()


def test_a_stream_that_ends_inside_the_usage_chunk_is_not_done() -> None:
    begin = WITH_USAGE.index(b'"choices": []')
    end = WITH_USAGE.index(b"\n\n", begin)
    for cut in range(begin, end - 1):
        reader, _ = _relay(WITH_USAGE[:cut])
        with pytest.raises(ProviderError):
            reader.finish()


def test_a_server_that_never_says_done_is_done_when_every_choice_has_finished() -> None:
    reader, _ = _relay(_delta("a", index=0), _delta("b", index=1), _delta("", finish="stop"))
    assert not reader.is_done
    reader.feed(_delta("", index=1, finish="length"))
    assert reader.is_done
    assert not reader.has_end_marker
    assert reader.finish() == DONE


@pytest.mark.parametrize("end", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r\n"])
def test_a_missing_last_blank_line_does_no_harm(end: bytes) -> None:
    reader, passed = _relay(WITHOUT_USAGE.removesuffix(DONE) + end)
    assert passed == WITHOUT_USAGE.removesuffix(DONE)
    assert reader.finish() == DONE


def test_a_last_chunk_without_blank_line_is_passed_on_too() -> None:
    last = _delta("end", finish="stop")
    reader, passed = _relay(last.removesuffix(b"\n\n"))
    assert passed == b""
    assert reader.finish() == last + DONE


def test_what_follows_the_end_marker_is_nobodys() -> None:
    reader, passed = _relay(DONE + _delta("more"), _delta("and more"))
    assert passed == b""
    assert reader.output_text == ""
    assert reader.finish() == DONE


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (_event({"error": {"message": "Rate limit", "code": 429}}), FailureKind.RATE_LIMITED),
        (_event({"error": "overloaded"}), FailureKind.OVERLOADED),
        (b'event: error\ndata: {"message": "overloaded"}\n\n', FailureKind.OVERLOADED),
        (b"event: error\ndata: at capacity\n\n", FailureKind.OVERLOADED),
        (b"data: Internal Server Error\n\n", FailureKind.BAD_REPLY),
        (b"data: [1]\n\n", FailureKind.BAD_REPLY),
    ],
)
def test_an_error_in_the_stream_is_classified_and_kept_from_the_caller(
    event: bytes, kind: FailureKind
) -> None:
    reader, passed = _relay(_delta("a"), event, _delta("b", finish="stop"), DONE)
    assert passed == _delta("a")
    assert reader.failure is not None
    assert reader.failure.kind is kind
    assert not reader.is_done
    with pytest.raises(ProviderError):
        reader.finish()


def test_comments_and_unknown_events_are_not_ours_to_drop() -> None:
    keepalive, note = b": OPENROUTER PROCESSING\n\n", b"event: ping\ndata: hello\n\n"
    reader, passed = _relay(keepalive, note, _delta("a", finish="stop"))
    assert passed.startswith(keepalive + note)
    assert reader.is_done


def test_reasoning_and_tool_calls_count_as_output() -> None:
    call = {"index": 0, "function": {"name": "find", "arguments": '{"a"'}}
    deltas = [{"reasoning_content": "hm"}, {"tool_calls": [call]}, {"content": "so"}]
    events = [_event({"choices": [{"index": 0, "delta": delta}]}) for delta in deltas]
    assert _relay(*events)[0].output_text == 'hmfind{"a"so'


def test_text_completions_are_followed_too() -> None:
    reader, _ = _relay(_event({"choices": [{"index": 0, "text": "x", "finish_reason": "stop"}]}))
    assert (reader.output_text, reader.is_done) == ("x", True)


def test_the_error_event_is_one_event_and_no_end_marker() -> None:
    reader = OpenAIStreamReader(hide_usage=False)
    event = reader.error_event(ProviderFailure(FailureKind.TIMEOUT, 'slow\n\ndata: [DONE]"'))
    assert event.count(b"\n\n") == 1
    assert json.loads(event.removeprefix(b"data: "))["error"]["code"] == "timeout"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["choices", "delta", "usage", "index", "finish_reason", "tool_calls", "function"]
        ),
        inner,
    ),
    max_leaves=12,
)  # fmt: skip


@untimed
@given(st.lists(json_values.map(_event) | st.binary(max_size=30), max_size=5))
def test_no_stream_makes_it_raise(chunks: list[bytes]) -> None:
    reader, passed = _relay(*chunks)
    assert isinstance(reader.output_text, str)
    assert len(passed) <= sum(map(len, chunks))
    assert reader.usage_report.usage is None or reader.usage is not None
