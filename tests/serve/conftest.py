"""One server for all tests of the API and the page."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
def open_page(browser: "Browser", address: str) -> "Iterator[Callable[..., Page]]":
    """What opens the page as `opened` does, by default on the server of all tests, until the test ends."""
    from tests.serve.page import opened

    with ExitStack() as pages:

        def open_one(after: str = "", address: str = address, **options: Any) -> "Page":
            return pages.enter_context(opened(browser, address, after=after, **options))

        yield open_one


@pytest.fixture
def page(open_page: "Callable[..., Page]") -> "Page":
    """The page as a reader of Chinese first sees it at a desk."""
    return open_page()


@pytest.fixture
def serve_corpus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], str]]:
    """What builds the corpus of a folder of invented poems, and serves with it until the test ends."""
    from pingze.corpus import build

    with ExitStack() as servers:

        def serve(folder: Path) -> str:
            monkeypatch.setenv("PINGZE_HOME", str(folder.parent))
            build(folder)
            return servers.enter_context(serving(folder.parent)).address

        yield serve
