"""A release says one version everywhere, and its checks see what is wrong with a wheel; a real one runs elsewhere."""

import importlib
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

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
    faults = made.wheel_faults(wheel)
    assert faults == [
        f"{wheel.name} lacks {made.NEEDED[0]}",
        f"{wheel.name} holds tests/test_release.py",
    ]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment outside the repository, with the wheel that the source archive builds."""
    if importlib.util.find_spec("build") is None:
        pytest.skip("needs the package build (extra release)")
    folder = tmp_path_factory.mktemp("release")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, capture_output=True
    )
    (archive,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    made = importlib.import_module("tools.release")
    assert made.wheel_faults(wheel) == made.archive_faults(archive) == []
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
    return python


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        *(("", 0), ("--version", 0), ("compose --form 五絕 --title 山居 --seed 1 --explain", 0)),
        ("revise 獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴聲。 --line 2 --seed 1", 0),
        ("mend 獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴天。 --seed 1", 0),
        *(
            ("generate 日 --model report --seed 1", 0),
            ("check poem.txt", 0),
            ("tones 看", 0),
            ("rhyme 陽", 0),
        ),
        *(("export --to shared", 0), ("compose --model shared --form 五絕 --seed 1", 0)),
        *(
            ("export --onnx step.onnx", 0),
            ("corpus stats", 2),
            ("train --out run", 2),
            ("serve", 2),
        ),
    ],
)
def test_the_wheel_outside_the_repository(installed: Path, arguments: str, status: int) -> None:
    """What needs no extra works; what needs one names it in one line."""
    folder = installed.parents[2]
    (folder / "poem.txt").write_text(
        "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴聲。", encoding="utf-8"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONUTF8": "1", "PINGZE_HOME": str(folder / "home")}
    command = [installed, "-m", "pingze", *arguments.split()]
    how: dict[str, Any] = {"cwd": folder, "env": environment, "encoding": "utf-8"}
    done = subprocess.run(command, capture_output=True, check=False, **how)
    assert done.returncode == status, done.stderr
    assert done.stdout or "wrote" in done.stderr or re.fullmatch("pingze: .*\n", done.stderr)
