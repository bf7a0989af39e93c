import pytest

from providers.protocols.retry_after import retry_after_read


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "30"}, 0.25),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "999999999"}, 86_400.0),
        (
            {
                "retry-after": "Wed, 21 Oct 2015 07:28:30 GMT",
                "date": "Wed, 21 Oct 2015 07:28:00 GMT",
            },
            30.0,
        ),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT", "date": "garbage"}, 0.0),
    ],
)
def test_it_reads_seconds_milliseconds_and_dates(headers: dict[str, str], seconds: float) -> None:
    assert retry_after_read(headers) == seconds


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "Wed, 99 Foo 2015", "1e999", "\x00"])
def test_what_is_no_time_says_nothing(text: str) -> None:
    assert retry_after_read({"retry-after": text}) is None
    assert retry_after_read({}) is None
