"""Decompression for servers that compress although they were asked not to, in bounded pieces."""

import zlib

PIECE_BYTES = 64 * 1024


class Inflater:
    """Takes gzip or zlib data in chunks and gives it back in pieces of at most PIECE_BYTES.

    A bomb inside costs one piece of memory, and the reader's limit on size stops it.
    Raises zlib.error for what is not compressed data.
    """

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)

    @property
    def is_complete(self) -> bool:
        return self._inflate.eof

    @property
    def pending(self) -> bytes:
        """Input that was taken and not yet inflated: feed it again for the next piece."""
        return self._inflate.unconsumed_tail

    def feed(self, data: bytes) -> bytes:
        return self._inflate.decompress(data, PIECE_BYTES)
