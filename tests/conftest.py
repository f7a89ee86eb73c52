"""Settings of every test: types and shapes are checked, and nothing reaches the user's own folders."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jaxtyping import install_import_hook

from tests import typechecking

install_import_hook("pingze", f"{typechecking.__name__}.check")


if TYPE_CHECKING:
    from pingze.corpus import Store


@pytest.fixture(autouse=True)
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and data folder; tests on the real corpus keep the user's, to fetch it once."""
    if not request.node.get_closest_marker("corpus"):
        monkeypatch.setenv("PINGZE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def corpus_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real corpus, built from the archive in the user's cache, fetched there if need be."""
    from pingze.corpus import build, fetch
    from pingze.errors import CorpusError

    try:
        archive = fetch()
    except CorpusError as error:
        pytest.skip(f"the corpus cannot be fetched: {error}")
    folder = tmp_path_factory.mktemp("corpus")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PINGZE_HOME", str(folder))
        build(archive)
    return folder


@pytest.fixture(scope="session")
def corpus(corpus_home: Path) -> "Iterator[Store]":
    """The real corpus, open."""
    from pingze.corpus import Store

    with Store.open(corpus_home / "data" / "corpus.sqlite") as store:
        yield store
