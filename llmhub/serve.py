"""The web process of `make up`: `python -m llmhub.serve FD` serves on an inherited socket.

uvicorn's own `--fd` takes every socket for a unix one, so TCP options would not be set on it.
"""

import socket
import sys

import uvicorn

DRAIN_S = 15
"""How long open requests and streams may go on after SIGTERM."""


UNREAD_MS = 60_000
"""How long what was written may lie unread at a caller. The gateway lets go of one who does not
read an answer; this is for its last bytes, which the kernel would offer for ever. RFC 5482."""


def main(descriptor: int) -> int:
    config = uvicorn.Config(
        "llmhub.asgi:application",
        loop="uvloop",
        http="httptools",
        # Sign-in counts failures per address: a caller's X-Forwarded-For must not choose it.
        proxy_headers=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=DRAIN_S,
    )
    server = uvicorn.Server(config)
    listening = socket.socket(fileno=descriptor)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Connections inherit it on Linux, the only system that has it.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
    server.run(sockets=[listening])
    return 0 if server.started else 3


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
