"""Ports of this machine: a free one, and whether one answers."""

import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A TCP port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError):
            return False
    return True


def answers(port: int, say: bytes, expect: bytes, timeout_s: float = 2) -> bool:
    """Whether a server on loopback answers `say` with something that holds `expect`."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout_s) as connection:
            connection.sendall(say)
            return expect in _read(connection, expect)
    except OSError:
        return False


def _read(connection: socket.socket, expect: bytes) -> bytes:
    received = b""
    while expect not in received:
        part = connection.recv(4096)
        if not part:
            break
        received += part
    return received
