"""Reads the content of a message: text, and parts of several kinds.

https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
"""

import binascii
import mimetypes
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from llmhub.base.errors import InvalidRequest

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*;base64,", re.IGNORECASE)
_AUDIO_KINDS = {"mp3": "audio/mpeg", "wav": "audio/wav"}


class MediaKind(StrEnum):
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    is_cache_point: bool = False


@dataclass(frozen=True, slots=True)
class Media:
    """An image, a sound, a film or a document: in base64 in `data`, or at `url`.

    `content_type` is empty where nothing tells it. `where` names the part in the request.
    """

    kind: MediaKind
    content_type: str
    data: str = ""
    url: str = ""
    name: str = ""
    where: str = ""
    is_cache_point: bool = False


Part = Text | Media


def content_of(message: Mapping[str, Any], where: str) -> list[Part]:
    """The parts of a message's content; none where there is none.

    A part that carries `cache_control` is a cache point: what comes up to it may be cached.
    """
    content = message.get("content")
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [Text(content)]
    where = f"{where}.content"
    if not isinstance(content, list):
        raise InvalidRequest(f"{where} is neither a text nor a list of parts.", field=where)
    return [_part(part, f"{where}[{i}]") for i, part in enumerate(content)]


def text_of(message: Mapping[str, Any], where: str) -> str:
    """The text of a message that can hold nothing else. Raises InvalidRequest for other parts."""
    return "".join(words(part) for part in content_of(message, where))


def words(part: Part) -> str:
    """The text of a part where only text may stand."""
    if isinstance(part, Media):
        raise InvalidRequest(
            f"{part.where} is not text, and here only text is taken.", field=part.where
        )
    return part.text


def _part(part: Any, where: str) -> Part:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(kind, str):
        raise InvalidRequest(f"{where} is not a part with a type.", field=where)
    if kind in ("text", "refusal"):
        return Text(_string(part.get(kind), f"{where}.{kind}"), bool(part.get("cache_control")))
    inner = part.get(kind)
    read = _MEDIA.get(kind)
    if read is None:
        raise InvalidRequest(f"{where}: parts of type {kind[:40]} are not supported.", field=where)
    if isinstance(inner, str):
        inner = {"url": inner}
    if not isinstance(inner, dict):
        raise InvalidRequest(f"{where}.{kind} is not an object.", field=where)
    return read(part, inner, where)


def _image(part: Mapping[str, Any], inner: Mapping[str, Any], where: str) -> Media:
    return _at_url(MediaKind.IMAGE, part, inner, f"{where}.image_url.url", where)


def _video(part: Mapping[str, Any], inner: Mapping[str, Any], where: str) -> Media:
    return _at_url(MediaKind.VIDEO, part, inner, f"{where}.video_url.url", where)


def _at_url(
    kind: MediaKind, part: Mapping[str, Any], inner: Mapping[str, Any], field: str, where: str
) -> Media:
    url = _string(inner.get("url"), field)
    cached = bool(part.get("cache_control"))
    if url[:5].lower() != "data:":
        guessed = mimetypes.guess_type(url.partition("?")[0])[0] or ""
        return Media(kind, guessed, url=url, where=where, is_cache_point=cached)
    content_type, data = _data_url(url, field)
    return Media(kind, content_type, data, where=where, is_cache_point=cached)


def _audio(part: Mapping[str, Any], inner: Mapping[str, Any], where: str) -> Media:
    data = _base64(_string(inner.get("data"), f"{where}.input_audio.data"), where)
    kind = _string(inner.get("format"), f"{where}.input_audio.format")
    return Media(MediaKind.AUDIO, _AUDIO_KINDS.get(kind, f"audio/{kind}"), data, where=where)


def _file(part: Mapping[str, Any], inner: Mapping[str, Any], where: str) -> Media:
    field = f"{where}.file.file_data"
    if inner.get("file_id") is not None:
        message = f"{where}.file.file_id names a file that this provider does not have."
        raise InvalidRequest(f"{message} Send the file in file_data.", field=where)
    name = inner.get("filename")
    name = name if isinstance(name, str) else ""
    given = _string(inner.get("file_data"), field)
    cached = bool(part.get("cache_control"))
    content_type = mimetypes.guess_type(name)[0] or "application/pdf"
    if given[:5].lower() == "data:":
        content_type, given = _data_url(given, field)
    elif "://" in given[:10]:
        return Media(MediaKind.FILE, content_type, "", given, name, where, cached)
    return Media(MediaKind.FILE, content_type, _base64(given, field), "", name, where, cached)


_MEDIA = {"image_url": _image, "video_url": _video, "input_audio": _audio, "file": _file}


def _data_url(url: str, field: str) -> tuple[str, str]:
    """https://www.rfc-editor.org/rfc/rfc2397, with its data in base64."""
    head = _DATA_URL.match(url)
    if head is None:
        raise InvalidRequest(f"{field} is not a data: URL in base64.", field=field)
    return (head[1] or "application/octet-stream").lower(), _base64(url[head.end() :], field)


def _base64(text: str, field: str) -> str:
    """Checked at its two ends: decoding megabytes to look at them would hold up other calls."""
    try:
        b64decode(text[: 4 * 256], validate=True)
        is_right = len(text) % 4 == 0 and bool(text)
        b64decode(text[-4:], validate=True)
    except (binascii.Error, ValueError):
        is_right = False
    if not is_right:
        raise InvalidRequest(f"{field} is not base64.", field=field)
    return text


def _string(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"{field} is not a text.", field=field)
    return value
