"""The web process of `make up`: `python -m llmhub.serve FD` serves on an inherited socket.

uvicorn's own `--fd` takes every socket for a unix one, so TCP options would not be set on it.
"""

import socket
import sys

import uvicorn

DRAIN_S = 15
"""How long open requests and streams may go on after SIGTERM."""


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
    server.run(sockets=[socket.socket(fileno=descriptor)])
    return 0 if server.started else 3


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
