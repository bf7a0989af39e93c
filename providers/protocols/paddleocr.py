"""PaddleOCR as PaddleX serves it, and Baidu's hosted one.

https://paddlepaddle.github.io/PaddleOCR/latest/en/version3.x/deployment/serving.html
"""

from typing import Any

from llmhub.base.model_types import ModelType
from llmhub.base.redact import redact
from providers.protocols.chat.content import MediaKind
from providers.protocols.chat.ocr import document_of, ocr_left_out, ocr_reply
from providers.protocols.chat.whole_reply import WholeReplyReader
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure, bad_reply
from providers.protocols.foreign import Foreign
from providers.protocols.json_calls import bearer, json_post
from providers.protocols.openai.replies import reply_object
from providers.protocols.wire import ChatReply, Dialect, Payload, ProviderRequest, Target

_PDF, _IMAGE = 0, 1
_PATHS = ("/layout-parsing", "/ocr")
_KINDS = {
    401: FailureKind.INVALID_KEY,
    403: FailureKind.INVALID_KEY,
    429: FailureKind.RATE_LIMITED,
    500: FailureKind.OVERLOADED,
    503: FailureKind.OVERLOADED,
}


class PaddleOCR(Foreign):
    """Credentials: `paddleocr_access_token` for the hosted service, and `paddleocr_algorithm`: the
    pipelines named `PP-OCR...` read lines, the others whole pages."""

    name = "paddleocr"
    serves = frozenset({ModelType.IMAGE2TEXT})

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        media = document_of(payload, needs_data=False)
        kind = _PDF if media.kind is MediaKind.FILE else _IMAGE
        body = {"file": media.data or media.url, "fileType": kind, "visualize": False}
        headers = bearer(target, "paddleocr_access_token", "token")
        return json_post(target, _url(target), body, ocr_left_out(payload), headers)

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        reply = reply_object(body)
        code = reply.get("errorCode", reply.get("error_code", 0))
        if code != 0:
            words = str(reply.get("errorMsg") or reply.get("error_msg") or f"error {code}")
            kind = _KINDS.get(code if type(code) is int else 0, FailureKind.BAD_REQUEST)
            raise ProviderError(ProviderFailure(kind, redact(words, ()), 200, unmasked=words))
        result = reply.get("result")
        return ocr_reply("\n\n".join(_pages(result if isinstance(result, dict) else {})))

    def chunk_reader(self) -> WholeReplyReader:
        return WholeReplyReader(self.chat_reply)


def _url(target: Target) -> str:
    """The address may already name what is to be done."""
    if target.base_url.endswith(_PATHS):
        return target.base_url
    algorithm = str(target.credentials.get("paddleocr_algorithm") or "")
    return target.base_url + ("/ocr" if algorithm.startswith("PP-OCR") else "/layout-parsing")


def _pages(result: dict[str, Any]) -> list[str]:
    pages = result.get("layoutParsingResults", result.get("ocrResults"))
    if not isinstance(pages, list) or not all(isinstance(page, dict) for page in pages):
        raise bad_reply("the reply holds no pages")
    return [_text(page) for page in pages]


def _text(page: dict[str, Any]) -> str:
    markdown, pruned = page.get("markdown"), page.get("prunedResult")
    if isinstance(markdown, dict) and isinstance(markdown.get("text"), str):
        return str(markdown["text"])
    lines = pruned.get("rec_texts") if isinstance(pruned, dict) else None
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise bad_reply("a page of the reply holds no text")
    return "\n".join(lines)
