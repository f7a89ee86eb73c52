"""An invented corpus, whole and built, for the tests of every step."""

import hashlib
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pingze.corpus import Store, build
from tests.corpus.invented import write_archive, write_folder


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of invented poems, which passes for the genuine one."""
    path = write_archive(tmp_path / "invented.tgz")
    fetch_module = importlib.import_module("pingze.corpus.fetch")
    monkeypatch.setattr(fetch_module, "SHA512", hashlib.sha512(path.read_bytes()).hexdigest())
    return path


@pytest.fixture
def built(tmp_path: Path, home: Path) -> Path:
    """The store of the invented poems, in the user's data folder."""
    return build(write_folder(tmp_path / "poems"))


@pytest.fixture
def store(built: Path) -> Iterator[Store]:
    with Store.open() as store:
        yield store
