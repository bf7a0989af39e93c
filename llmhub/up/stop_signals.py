"""Ctrl-C and SIGTERM as the supervisor hears them: between its steps, never inside one."""

import os
import select
import signal
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):
    """Somebody wants the hub to stop."""


class StopSignals:
    """Counts the requests to stop. While it is in use, a wait ends at once when one comes."""

    def __init__(self) -> None:
        self.first: signal.Signals | None = None
        self._unheard = 0
        self._reader, self._writer = os.pipe()
        for descriptor in (self._reader, self._writer):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # wakes the wait when a child ends
        for signum in _SIGNALS:
            if signal.getsignal(signum) is not signal.SIG_IGN:  # as under nohup
                signal.signal(signum, self._hear)

    def pause(self, seconds: float) -> None:
        """Wait, or less when a child ends; raises StopRequested once for each request."""
        self._raise_unheard()
        ready, _, _ = select.select([self._reader], [], [], seconds)
        if ready:
            self._drain()
        self._raise_unheard()

    def _raise_unheard(self) -> None:
        if self._unheard:
            self._unheard = 0
            raise StopRequested

    def _hear(self, signum: int, frame: FrameType | None) -> None:
        self.first = self.first or signal.Signals(signum)
        self._unheard += 1

    def _drain(self) -> None:
        try:
            while os.read(self._reader, 64):
                pass
        except BlockingIOError:
            return


def exit_code(first: signal.Signals | None) -> int:
    """A hub that was told to stop did what it was told; Ctrl-C is 130 by the shells' convention."""
    return 130 if first is signal.SIGINT else 0
