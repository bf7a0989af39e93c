"""Fields that several bodies share."""

import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from llmhub.base.model_types import ModelType
from providers.names import MAX_NAME_LENGTH

MODEL_TYPES = [t.value for t in ModelType]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class LineField(serializers.CharField):
    """Text of one line: what goes into headers, URLs and tables."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if _CONTROL.search(text):
            raise serializers.ValidationError("Line breaks and control characters do not belong.")
        return text


class NameField(LineField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": MAX_NAME_LENGTH, **kwargs})


class ModelTypeField(serializers.ChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        words = ", ".join(MODEL_TYPES)
        messages: dict[str, Any] = {
            "invalid_choice": "'{input}' is no model type. Use one of " + words + "."
        }
        super().__init__(choices=MODEL_TYPES, error_messages=messages, **kwargs)

    def to_internal_value(self, data: Any) -> ModelType | str:
        """Blank stays blank, where `allow_blank` lets it through."""
        chosen = super().to_internal_value(data)
        return ModelType(chosen) if chosen else chosen


@extend_schema_field(
    {"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]}
)
class ApiKeyField(serializers.Field[Any, Any, Any, Any]):
    """A key, an object with the factory's credential fields, or that object as a JSON string.
    Written, never read."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(write_only=True, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | dict):
            raise serializers.ValidationError("Send a string, or an object of strings.")
        return data


class ConnectionNameField(LineField):
    def __init__(self, **kwargs: Any) -> None:
        help_text = "Which of the tenant's connections to the factory; `default` unless named."
        super().__init__(max_length=63, help_text=help_text, **kwargs)
