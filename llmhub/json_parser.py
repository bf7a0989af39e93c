"""Reading a JSON body: bounded, strict, and an object."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from llmhub.base.errors import InvalidRequest


class BodyTooLarge(InvalidRequest):
    code = "body_too_large"
    http_status = 413


class JSONObjectParser(BaseParser):
    """orjson refuses NaN, lone surrogates and bottomless nesting; huge integers become floats."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Raises BodyTooLarge, ParseError, and InvalidRequest for JSON that is no object."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge(f"The body is larger than {limit} bytes.")
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise ParseError from None
        if not isinstance(value, dict):
            raise InvalidRequest("The body is JSON, and not an object: send {...}.")
        return value
