"""The port that the hub answers on, taken before anything else starts.

The supervisor keeps the socket and the web process inherits it: nobody else can take the port
meanwhile, and while a web process that died is started anew, callers wait instead of being refused.
"""

import errno
import socket

from llmhub.config import HubConfig
from llmhub.embedded.errors import StartFailed

_BACKLOG = 2048


def listening_socket(config: HubConfig) -> socket.socket:
    """Listen on HUB_HOST and HUB_PORT; raises StartFailed."""
    host, port = config.hub_host, config.hub_port
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise StartFailed(f"HUB_HOST wants an address of this machine, not {host}.") from None
    bound = socket.socket(family, kind)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # Two sockets that do not listen yet can share a port: the second `make up` would not know.
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise StartFailed(_reason(error, host, port)) from None
    return bound


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use: stop what uses it, or set HUB_PORT to another one."
    if error.errno == errno.EACCES:
        return f"Port {port} needs a right that you do not have: set HUB_PORT to 1024 or more."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"HUB_HOST wants an address of this machine, not {host}."
    return f"Cannot listen on {host} port {port}: {error.strerror}."
