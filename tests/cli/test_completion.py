"""What the shell offers for the line that a person has begun."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pingze.network import SHIPPED
from pingze.verse.forms import FORMS
from pingze.verse.rhyme_groups import GROUPS
from pingze.verse.tunes import tunes
from tests import invented
from tests.cli.calling import pingze


def offered(line: str, folder: Path) -> list[str]:
    """What typer's script for bash would be given for a line, of which the last word is begun."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_PINGZE_COMPLETE": "complete_bash"}
    return pingze(cwd=folder, PYTHONUTF8="1", **words)[1].split()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        *(("pingze comp", ["compose"]), ("pingze compose --form 七", ["七絕", "七律", "七排", "七古"])),
        *(("pingze check --form ", [*FORMS, *tunes()]), ("pingze compose --rhyme ", [*GROUPS])),
        *(("pingze rhyme 阳", ["阳"]), ("pingze compose --acrostic-at ", ["head", "middle", "end"])),
        ("pingze compose --model nowhere --poet 李", []),
    ],
)
def test_values_of_options(tmp_path: Path, line: str, found: list[str]) -> None:
    assert offered(line, tmp_path) == found


def test_models_of_the_folder_and_their_poets(tmp_path: Path) -> None:
    made = invented.model(conditions=["<七絕>", "<陳甲>", "<陳乙>"])
    for path in ("mine.safetensors", "runs/one/model.safetensors"):
        invented.saved(tmp_path / path, made)
    runs = str(Path("runs", "one"))
    assert offered("pingze compose --model ", tmp_path) == [*SHIPPED, "mine.safetensors", runs]
    assert offered(f"pingze compose --model {runs} --poet ", tmp_path) == ["陳甲", "陳乙"]
    assert offered("pingze compose --model mine.safetensors --poet 陈", tmp_path) == ["陈甲", "陈乙"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_reads_the_script_that_is_shown() -> None:
    script = f'eval "$({sys.executable} -m pingze --show-completion)" && complete -p pingze'
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout == "complete -o default -F _pingze_completion pingze\n"
