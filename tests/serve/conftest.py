"""One server for all tests of the API and the page."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.serve.process import Server, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("home"), "--workers", "2") as found:
        yield found


@pytest.fixture
def address(server: Server) -> str:
    return server.address


@pytest.fixture
def page(browser: "Browser", address: str) -> "Iterator[Page]":
    """The page as a reader of Chinese first sees it at a desk."""
    from tests.serve.page import opened

    with opened(browser, address) as found:
        yield found
