"""MinerU's server, which reads a document in one exchange. https://github.com/opendatalab/MinerU"""

from base64 import b64decode
from typing import Any

from llmhub.base.model_types import ModelType
from providers.protocols.chat.ocr import document_of, ocr_left_out, ocr_reply
from providers.protocols.chat.whole_reply import WholeReplyReader
from providers.protocols.failures import bad_reply
from providers.protocols.foreign import Foreign
from providers.protocols.json_calls import bearer
from providers.protocols.openai.multipart import multipart_encode
from providers.protocols.openai.replies import reply_object
from providers.protocols.wire import (
    AudioFile,
    ChatReply,
    Dialect,
    Payload,
    ProviderRequest,
    Target,
)

_ENDINGS = {"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/webp": ".webp"}


class MinerU(Foreign):
    """Credentials: `api_key`, where something before the server asks for one, and
    `mineru_backend`. The hosted service works by jobs, and is not served."""

    name = "mineru"
    serves = frozenset({ModelType.IMAGE2TEXT})

    def chat_request(
        self, target: Target, payload: Payload, *, model: str, dialect: Dialect = Dialect.CHAT
    ) -> ProviderRequest:
        media = document_of(payload, needs_data=True)
        fields: dict[str, Any] = {"return_md": "true"}
        backend = target.credentials.get("mineru_backend")
        if isinstance(backend, str) and backend:
            fields["backend"] = backend
        name = media.name or "document" + _ENDINGS.get(media.content_type, ".png")
        upload = AudioFile(name, media.content_type, b64decode(media.data))
        content_type, body = multipart_encode(fields, upload, part="files")
        headers = {"content-type": content_type, **bearer(target)}
        url = f"{target.base_url}/file_parse"
        return ProviderRequest("POST", url, headers, body, ocr_left_out(payload))

    def chat_reply(self, body: bytes, dialect: Dialect = Dialect.CHAT) -> ChatReply:
        results = reply_object(body).get("results")
        if not isinstance(results, dict) or not results:
            raise bad_reply("the reply holds no result")
        texts = [each.get("md_content") for each in results.values() if isinstance(each, dict)]
        if len(texts) != len(results) or not all(isinstance(text, str) for text in texts):
            raise bad_reply("a result of the reply holds no text")
        return ocr_reply("\n\n".join(str(text) for text in texts))

    def chunk_reader(self) -> WholeReplyReader:
        return WholeReplyReader(self.chat_reply)
