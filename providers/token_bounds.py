"""How many tokens a request can take at most, before any provider has counted.

A tokenizer of bytes makes no more tokens than the text has bytes; that bound is sound for every
family and costs next to nothing. For a long text it is several times too high, so there the text is
counted, with a margin for the families whose tokenizer is another one.
"""

from collections.abc import Iterator
from typing import Any

from providers.token_counts import TOKENS_PER_MESSAGE, count_tokens

SHORT = 4_096
"""Up to here the bound of the bytes is good enough."""
TOKENS_PER_PICTURE = 3_000
"""More than any provider counts for one; a picture's bytes are no text."""
_AUDIO_BYTES_PER_TOKEN = 200
_MARGIN = 1.3
_MEDIA = frozenset({"image_url", "input_image", "image", "source", "inline_data", "file"})


def prompt_bound(payload: Any) -> int:
    """Tokens of everything that stands in the payload, at most."""
    return _bound(payload, is_text_counted=True)


def prompt_count(payload: Any) -> int:
    """The same for a long payload, counted, with a margin; takes long, so call it in a thread."""
    rest = _bound(payload, is_text_counted=False)
    return rest + int(_MARGIN * count_tokens("\n".join(_texts(payload))))


def _bound(payload: Any, *, is_text_counted: bool) -> int:
    """Without recursion: it runs with every call that is under a limit of tokens or a budget."""
    total, waiting = 0, [payload]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            total += _bytes(value) if is_text_counted else 0
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            total += TOKENS_PER_MESSAGE
            for name, item in value.items():
                if name in _MEDIA and isinstance(item, dict | str):
                    total += TOKENS_PER_PICTURE
                elif name == "input_audio":
                    total += len(str(item)) // _AUDIO_BYTES_PER_TOKEN
                else:
                    total += len(name) if is_text_counted else 0
                    waiting.append(item)
        else:
            total += 1
    return total


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in _MEDIA and name != "input_audio":
                yield name
                yield from _texts(item)


def _bytes(text: str) -> int:
    """Half a surrogate pair, which JSON can carry, takes three bytes."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
