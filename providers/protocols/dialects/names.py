"""The dialects by name. Apart from everything else, since protocols and dialects both need it."""

from enum import StrEnum


class Dialect(StrEnum):
    """What a caller speaks when it wants text from a model.

    CHAT, OpenAI's chat completions, is the hub's own: every protocol takes it and answers in it.
    A protocol may speak others as well; a call in one of them then passes untouched.
    """

    CHAT = "chat"
    COMPLETIONS = "completions"
    RESPONSES = "responses"
    MESSAGES = "messages"
