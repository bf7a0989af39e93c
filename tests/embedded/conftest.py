"""A folder for the servers of one test, and processes that end with it."""

from collections.abc import Iterator

import pytest

from tests.servers import Folder, folder_make


@pytest.fixture
def folder() -> Iterator[Folder]:
    made = folder_make()
    yield made
    made.close()
