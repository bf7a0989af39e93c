"""The account that PostgreSQL runs as, and whether it reaches a file.

PostgreSQL refuses to run as root. An ordinary user runs it as himself; root runs it as the owner
of the data folder, or as `nobody` where there is none yet.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from llmhub.embedded.errors import StartFailed


@dataclass(frozen=True)
class Account:
    """A user that root hands a process to."""

    uid: int
    gid: int


def server_account(data: Path) -> Account | None:
    """Who runs the server on a data folder: None for the present user."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise StartFailed(
            "PostgreSQL does not run as root and this machine has no user `nobody`: "
            "run `make up` as an ordinary user."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def can_reach(account: Account | None, path: Path, right: str = "-x") -> bool:
    """Whether the account has a right of test(1) on a path; asked of the system, as that user."""
    argv = ["test", right, str(path)]
    if account is None:
        return subprocess.run(argv, check=False).returncode == 0  # noqa: S603
    asked = subprocess.run(  # noqa: S603
        argv, check=False, cwd="/", user=account.uid, group=account.gid, extra_groups=[]
    )
    return asked.returncode == 0
