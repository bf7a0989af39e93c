"""Forms, cut anywhere."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadRequest
from gateway.form_parser import (
    MAX_HEAD_BYTES,
    MAX_PARTS,
    MAX_PREAMBLE_BYTES,
    FormParser,
    PartEnd,
    PartHead,
    boundary_read,
)

FIELD = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FORM = (
    FIELD % (b"model", b"whisper-1")
    + b'--b  \r\ncontent-disposition: form-data; name="file"; filename="a \\"b\\".wav"\r\n'
    + b"Content-Type: audio/wav\r\n\r\n\r\n--a\r\n--\r\r\n-\r\n"
    + FIELD % (b"empty", b"")
    + b"--b--\r\nwhat follows"
)


def parsed(*chunks: bytes) -> list[tuple[PartHead, bytes]]:
    parser, parts = FormParser(b"b"), []
    for chunk in chunks:
        for piece in parser.feed(chunk):
            if isinstance(piece, PartHead):
                head, content = piece, b""
            elif isinstance(piece, PartEnd):
                parts.append((head, content))
            else:
                content += piece
    assert parser.is_complete
    return parts


WHOLE = [
    (PartHead("model", None, ""), b"whisper-1"),
    (PartHead("file", 'a "b".wav', "audio/wav"), b"\r\n--a\r\n--\r\r\n-"),
    (PartHead("empty", None, ""), b""),
]


def test_a_form_is_read() -> None:
    assert parsed(FORM) == WHOLE
    assert parsed(b"a preamble\r\n" + FORM) == WHOLE


@given(st.lists(st.integers(0, len(FORM)), max_size=6))
def test_a_form_is_read_wherever_it_was_cut(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(FORM)]
    assert parsed(*(FORM[a:b] for a, b in pairwise(ends))) == WHOLE


def test_a_form_is_read_byte_by_byte() -> None:
    assert parsed(*(FORM[i : i + 1] for i in range(len(FORM)))) == WHOLE


@given(st.binary(max_size=200), st.integers(1, 20))
def test_any_content_arrives_as_it_was_sent(content: bytes, size: int) -> None:
    content = content.replace(b"--b", b"")
    form = FIELD % (b"x", content) + b"--b--"
    pieces = [form[i : i + size] for i in range(0, len(form), size)]
    assert parsed(*pieces) == [(PartHead("x", None, ""), content)]


@pytest.mark.parametrize(
    "form",
    [
        FIELD % (b"x", b"") * (MAX_PARTS + 1),
        b" " * (MAX_PREAMBLE_BYTES + 10) + FORM,
        b"--b\r\nX: " + b"y" * MAX_HEAD_BYTES + b"\r\n\r\n",
        b"--b\r\n\r\nno name\r\n--b--",
        b"--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--",
        b"--bc\r\n\r\n",
        b"--b" + b" " * 100,
    ],
    ids=lambda form: repr(form[:30]),
)
def test_what_is_no_form_is_refused(form: bytes) -> None:
    with pytest.raises(BadRequest):
        FormParser(b"b").feed(form)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        (b"multipart/form-data; boundary=abc", b"abc"),
        (b'Multipart/Form-Data; charset=utf-8; boundary="a b"', b"a b"),
    ],
)
def test_a_boundary_is_read(content_type: bytes, boundary: bytes) -> None:
    assert boundary_read(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        b"",
        b"application/json",
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b"multipart/form-data; boundary=" + b"x" * 71,
        b"multipart/form-data; boundary=\xff",
        b'multipart/form-data; boundary="a "',
        b"multipart/mixed; boundary=abc",
    ],
)
def test_an_impossible_boundary_is_refused(content_type: bytes | None) -> None:
    with pytest.raises(BadRequest):
        boundary_read(content_type)
