"""Settings of every test: types and shapes are checked, and nothing reaches the user's own folders."""

import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import jaxtyping
import pytest
from hypothesis import HealthCheck, settings

from tests import typechecking

# The hook decorates each function by the name `jaxtyping.jaxtyped`.
jaxtyping.jaxtyped = typechecking.checked
jaxtyping.install_import_hook("pingze", None)
# A deadline, and the check of how fast examples are drawn, would measure what else the machine
# does.
settings.register_profile("pingze", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pingze")
os.environ["PINGZE_LANG"] = "en"  # whatever the machine's locale

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from pingze.corpus import Store
    from tests.cli.calling import Call

OPTIONAL = ("torch", "playwright", "matplotlib", "mcp", "fontTools", "PIL")
"""Packages that tests import and that a plain installation lacks."""
_IMPORTS = re.compile(r"^ *(?:from|import) (\w+)", re.MULTILINE)
_TRAINS = re.compile(
    r"pingze\.(?:training|report|network\.model\b|lstm\.(?:layer|dropout|loss|matmul|kernels))"
)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out files that import what is not installed, as `make test-matrix` has it; with all extras, none."""
    if collection_path.suffix != ".py" or not (
        absent := {name for name in OPTIONAL if find_spec(name) is None}
    ):
        return None
    text = collection_path.read_text(encoding="utf-8")
    trains = "torch" in absent and _TRAINS.search(text)
    return True if trains or absent.intersection(_IMPORTS.findall(text)) else None


@pytest.fixture(autouse=True)
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and data folder; tests on the real corpus keep the user's, to fetch it once."""
    if not request.node.get_closest_marker("corpus"):
        monkeypatch.setenv("PINGZE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> "Call":
    """Run a command in this process; its exit status, standard output and standard error."""
    from pingze.__main__ import run

    def called(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            run(list(arguments))
        return int(exit_.value.code or 0), *capsys.readouterr()

    return called


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A browser for one file: its event loop runs until it is closed, and no other can then run in the process."""
    from tests.serve.page import chromium

    with chromium() as found:
        yield found


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
