"""The folder HUB_DATA_DIR: made, checked, and held by one hub at a time."""

import fcntl
import os
import shutil
from pathlib import Path

from llmhub.embedded.errors import StartFailed
from llmhub.embedded.processes import log_trim

MIN_FREE_BYTES = 200_000_000
_FOLDERS = ("run", "log")
# What a running hub leaves for others to read; a leftover when none runs.
_RUNNING_FILES = ("hub.json", "run/environment.json", "run/*.ready")


def data_dir_make(data_dir: Path) -> None:
    """Make the folder and those in it; raises StartFailed where it cannot be used.

    Only its owner reads it. Root's may be passed through, not listed, because root's PostgreSQL
    runs as another user (see llmhub/embedded/postgres.py); what is in it is closed by itself.
    """
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        data_dir.mkdir(mode=mode, parents=True, exist_ok=True)
        for name in _FOLDERS:
            (data_dir / name).mkdir(mode=0o700, exist_ok=True)
        if not os.access(data_dir, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise StartFailed(f"Cannot use {data_dir} (HUB_DATA_DIR): {error.strerror}.") from None
    _check_space(data_dir)


def data_dir_lock(data_dir: Path) -> int:
    """Take the folder for this process, until it ends; raises StartFailed where another has it."""
    descriptor = os.open(data_dir / "run" / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(descriptor, 32, 0).decode(errors="replace")
        os.close(descriptor)
        raise StartFailed(
            f"A hub is already running on {data_dir} (process {pid}): stop it, "
            "or set HUB_DATA_DIR and HUB_PORT for a second one."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def running_files_remove(data_dir: Path) -> None:
    """Nobody may take a stopped hub's addresses for a running one's."""
    for pattern in _RUNNING_FILES:
        for path in data_dir.glob(pattern):
            path.unlink(missing_ok=True)


def logs_trim(data_dir: Path) -> None:
    for log in (data_dir / "log").glob("*.log"):
        log_trim(log)


def _check_space(data_dir: Path) -> None:
    free = shutil.disk_usage(data_dir).free
    if free < MIN_FREE_BYTES:
        raise StartFailed(
            f"The disk of {data_dir} is full: {free // 1_000_000} MB free, and the hub wants "
            f"{MIN_FREE_BYTES // 1_000_000} MB."
        )
