"""The only code that opens a connection to a provider.

Every socket is made by one function, which refuses an address that the hub must not talk to. So
neither a name that resolves to something else the second time, nor a redirect, nor a spelling can
lead a request there: what is checked is the very address that is connected to.
"""

import asyncio
import functools
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.connector import AddrInfoType
from yarl import URL

from llmhub.base.errors import AddressForbidden, InvalidRequest
from llmhub.base.secret import Secret
from providers.addresses import IPNetwork, forbidden_message, forbidden_reason
from providers.protocols.failures import FailureKind, ProviderError, ProviderFailure
from providers.protocols.wire import ProviderRequest


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each wait of a call may last, in seconds.

    `connect_s`: for one connection, TLS included. `first_byte_s`: from sending until the reply's
    headers. `idle_s`: between two chunks of the body, while somebody waits for one. `total_s`: for
    everything.
    """

    connect_s: float = 5.0
    first_byte_s: float = 300.0
    idle_s: float = 60.0
    total_s: float = 600.0
