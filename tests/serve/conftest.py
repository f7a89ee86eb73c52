"""One server and one browser for all tests of the page."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.serve.page import chromium, opened
from tests.serve.process import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("home")) as server:
        yield server.address


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: "Browser", address: str) -> "Iterator[Page]":
    """The page as a reader of Chinese first sees it at a desk."""
    with opened(browser, address) as found:
        yield found
