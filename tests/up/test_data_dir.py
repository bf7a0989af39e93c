import errno
import os
import shutil
from pathlib import Path

import pytest

from llmhub.embedded.errors import StartFailed
from llmhub.up import data_dir as module
from llmhub.up.data_dir import data_dir_make
from llmhub.up.generated import demo_token_save, generated_load
from llmhub.up.hub import explain


def test_a_full_disk_is_named_with_what_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MIN_FREE_BYTES", shutil.disk_usage(tmp_path).total + 1)
    with pytest.raises(StartFailed, match=r"The disk of .* is full: \d+ MB free"):
        data_dir_make(tmp_path)


def test_a_disk_that_fills_up_and_a_missing_right_are_one_line_each() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/data/x")
    assert explain(full) == "The disk is full (/data/x): make room, then start the hub again."
    denied = PermissionError(errno.EACCES, "Permission denied", "/data/x")
    assert explain(denied) == "A right is missing (/data/x): Permission denied."


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_folder_of_somebody_else_is_named(tmp_path: Path) -> None:
    """In a child process, for a user who is given up does not come back."""
    tmp_path.chmod(0o755)
    pid = os.fork()
    if pid == 0:
        os.setuid(65534)
        try:
            data_dir_make(tmp_path)
        except StartFailed as error:
            os._exit(0 if "HUB_DATA_DIR): Permission denied" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_secrets_are_made_once_and_the_token_is_remembered(tmp_path: Path) -> None:
    first = generated_load(tmp_path)
    assert generated_load(tmp_path) == first
    demo_token_save(tmp_path, first, "hub_token")
    assert generated_load(tmp_path).demo_token == "hub_token"
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_damaged_secrets_are_named_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("{", encoding="ascii")
    with pytest.raises(StartFailed, match=r"secrets\.json is damaged"):
        generated_load(tmp_path)
    assert path.read_text(encoding="ascii") == "{"
