"""What a model's name says about it, for sources that do not say it themselves."""

import re

_KINDS = (
    ("rerank", re.compile(r"re-?rank", re.IGNORECASE)),
    ("embedding", re.compile(r"embed|(^|/)(bge|gte|e5|multilingual-e5)-", re.IGNORECASE)),
    ("tts", re.compile(r"(^|[-/_])(tts|orpheus|speech)([-._]|$)", re.IGNORECASE)),
    ("speech2text", re.compile(r"whisper|transcribe|(^|[-/])asr([-.]|$)", re.IGNORECASE)),
)
# Made for what the hub does not serve: pictures, live audio, moderation, agents of the provider's.
_NOT_SERVED = re.compile(
    r"realtime|[-.]live([-.]|$)|native-audio|moderation|(^|[-/.])image|-image($|-)|imagine"
    r"|computer-use|deep-?research|video|lyria|veo-|(^|/)ft:|guard|content-safety|safety-guard"
    r"|nano-banana|robotics|dall-e|sora|sonic",
    re.IGNORECASE,
)


def kind(llm_name: str) -> str:
    """`rerank`, `embedding`, `tts`, `speech2text`, or `chat` where the name says nothing."""
    return next((kind for kind, pattern in _KINDS if pattern.search(llm_name)), "chat")


def is_served(llm_name: str) -> bool:
    return not _NOT_SERVED.search(llm_name)
