"""One server for all tests of the page, and one browser for those of a module."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.serve.page import chromium
from tests.serve.process import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("home")) as server:
        yield server.address


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as found:
        yield found
