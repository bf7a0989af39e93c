"""What `make up` says: one line for each step, with its seconds."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Write a line; a closed terminal or pipe does not stop the hub."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError:
        return


def complain(text: str) -> None:
    """Write the one line that says why the hub does not start."""
    try:
        sys.stderr.write(f"llm-hub: {text}\n")
        sys.stderr.flush()
    except OSError:
        return


@contextmanager
def step(text: str, started: float | None = None) -> Iterator[None]:
    """Name a step before it starts where someone watches, and its seconds when it is done.

    `started` is of `time.monotonic()`, for a step that began before this one could be waited for.
    """
    started = time.monotonic() if started is None else started
    is_watched = sys.stdout.isatty()
    if is_watched:
        sys.stdout.write(f"  {text} ...")
        sys.stdout.flush()
    try:
        yield
    except BaseException:
        say("" if is_watched else f"  {text} ...")
        raise
    seconds = f"{time.monotonic() - started:5.1f} s"
    say(f"\r  {seconds}  {text}    " if is_watched else f"  {seconds}  {text}")
