"""Anthropic's Messages API. https://docs.claude.com/en/api/overview

How a request, a reply and a stream are translated (request.py, replies.py, stream.py) stands apart
from where they are sent and by whom (protocol.py): clouds that serve Claude use the former alone.
"""

from providers.protocols.anthropic.protocol import Anthropic

__all__ = ["Anthropic"]
