"""A transaction pooler in the manner of PgBouncer: clients share server connections, one
transaction at a time. It speaks as much of PostgreSQL's protocol as simple queries need.

https://www.postgresql.org/docs/current/protocol-flow.html
"""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

Server = psycopg.Connection[TupleRow]

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_STATUS = {TransactionStatus.IDLE: b"I", TransactionStatus.INTRANS: b"T"}


class _Pool(socketserver.ThreadingTCPServer):
    """The server connections; the one given back last is handed out first, as PgBouncer does."""

    daemon_threads = True

    def __init__(self, database_url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Client)
        self._idle = [psycopg.connect(database_url, autocommit=True) for _ in range(2)]
        self._lock = threading.Lock()

    def take(self) -> Server:
        with self._lock:
            return self._idle.pop()

    def give_back(self, server: Server) -> None:
        with self._lock:
            self._idle.append(server)

    def server_close(self) -> None:
        super().server_close()
        for server in self._idle:
            server.close()


class _Client(socketserver.StreamRequestHandler):
    """One client's session; it holds a server connection only inside a transaction."""

    server: _Pool

    def handle(self) -> None:
        self._greet()
        held: Server | None = None
        while (message := self._receive()) and message[0] == b"Q":
            held = held or self.server.take()
            self._answer(held, message[1].rstrip(b"\0"))
            if held.info.transaction_status == TransactionStatus.IDLE:
                self.server.give_back(held)
                held = None
        if held is not None:
            held.rollback()
            self.server.give_back(held)

    def _greet(self) -> None:
        while True:
            (length,) = struct.unpack("!I", self.rfile.read(4))
            (code,) = struct.unpack("!I", self.rfile.read(length - 4)[:4])
            if code not in (_SSL_REQUEST, _GSS_REQUEST):
                break
            self.wfile.write(b"N")
        self._send(b"R", struct.pack("!I", 0))
        self._send(b"S", b"client_encoding\0UTF8\0")
        self._send(b"Z", b"I")

    def _receive(self) -> tuple[bytes, bytes] | None:
        head = self.rfile.read(5)
        if len(head) < 5:
            return None
        kind, length = struct.unpack("!cI", head)
        return kind, self.rfile.read(length - 4)

    def _answer(self, server: Server, query: bytes) -> None:
        cursor = server.execute(query)
        if cursor.description:
            (row,) = cursor.fetchall()
            text = str(row[0]).encode()
            self._send(b"T", b"\0\1" + b"value\0" + struct.pack("!IHIhih", 0, 0, 23, 4, -1, 0))
            self._send(b"D", b"\0\1" + struct.pack("!I", len(text)) + text)
        self._send(b"C", (cursor.statusmessage or "").encode() + b"\0")
        self._send(b"Z", _STATUS[server.info.transaction_status])

    def _send(self, kind: bytes, body: bytes) -> None:
        self.wfile.write(kind + struct.pack("!I", len(body) + 4) + body)


@contextmanager
def transaction_pooler(database_url: str) -> Iterator[str]:
    """Run a pooler before the database; gives the URL that leads through it."""
    pool = _Pool(database_url)
    thread = threading.Thread(target=pool.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"postgresql://anyone@127.0.0.1:{pool.server_address[1]}/any?sslmode=disable"
    finally:
        pool.shutdown()
        thread.join()
        pool.server_close()
