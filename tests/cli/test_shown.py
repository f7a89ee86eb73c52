"""What is printed of a checked poem and of long commands, and what the shell offers for a line that is begun."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.cli.progress import status
from pingze.cli.prosody import drawn
from pingze.network import SHIPPED
from pingze.verse.checking import check
from pingze.verse.forms import FORMS
from pingze.verse.rhyme_groups import GROUPS
from pingze.verse.tunes import tunes
from tests import invented
from tests.cli.calling import Call


def test_news_and_numbers_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("pingze.cli.progress.time.monotonic", lambda: now)
    with status() as tell:
        for second in range(25):
            now = 100.0 + second
            tell(f"fetching: {second} s")
        tell("reading")
    assert capsys.readouterr().err.splitlines() == [
        "fetching: 0 s",
        "fetching: 10 s",
        "fetching: 20 s",
        "reading",
    ]


def test_a_fault_is_drawn_under_its_character_and_missing_lines_and_other_shapes_are_described() -> (
    None
):
    verdict = check("看仄平平仄，仄平仄仄東。平平平仄仄，仄仄仄平同。")
    assert drawn(verdict, lambda fault: ["山", "人"]).plain.splitlines()[:8] == [
        "五絕 · 仄起首句不入韻 · 上平一東 · customary",
        "",
        " 1 看 仄 平 平 仄",
        "   ◐  ●  ○  ○  ●",
        " 2 仄 平 仄 仄 東",
        "   ●  ○  ●  ●  ○",
        "   ^^ 孤平: 山 人",
        " 3 平 平 平 仄 仄",
    ]
    text = drawn(verdict, lambda _: ()).plain
    assert "孤平: In a line" in text
    assert "· 重字: " in text
    assert text.endswith("1 fault")
    assert " 2 句數\n" in drawn(check("仄仄平平仄", form="五絕"), lambda _: ()).plain
    assert (
        "a tune 詞牌 its own number"
        in drawn(check("仄仄平平仄", form="浣溪沙"), lambda _: ()).plain
    )
    text = drawn(check("日月□，日月山。"), lambda _: ()).plain
    assert text.startswith("no form · customary")
    assert "?" in text
    assert text.endswith("fits no form")


@given(st.text(st.sampled_from("山水月花東先看過发后，。\n□"), max_size=60))
def test_every_verdict_can_be_drawn(text: str) -> None:
    assert drawn(check(text), lambda _: ()).plain


def offered(call: Call, line: str) -> list[str]:
    """What typer's script for bash would be given for a line, of which the last word is begun."""
    words = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
        "_PINGZE_COMPLETE": "complete_bash",
    }
    with patch.dict(os.environ, words):
        return call()[1].split()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("pingze comp", ["compose"]),
        ("pingze compose --form 七", ["七絕", "七律", "七排", "七古", "七娘子"]),
        ("pingze check --form ", [*FORMS, *tunes().of_tune]),
        ("pingze compose --rhyme ", list(GROUPS)),
        ("pingze rhyme 阳", ["阳"]),
        ("pingze compose --acrostic-at ", ["head", "middle", "end"]),
        ("pingze compose --model nowhere --poet 李", []),
    ],
)
def test_values_of_options(call: Call, line: str, found: list[str]) -> None:
    assert offered(call, line) == found


def test_models_of_the_folder_and_their_poets(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in ("mine.safetensors", "runs/one/model.safetensors"):
        invented.saved(tmp_path / path, invented.model(conditions=["<七絕>", "<陳甲>", "<陳乙>"]))
    runs = str(Path("runs", "one"))
    assert offered(call, "pingze compose --model ") == [*SHIPPED, "mine.safetensors", runs]
    assert offered(call, f"pingze compose --model {runs} --poet ") == ["陳甲", "陳乙"]
    assert offered(call, "pingze compose --model mine.safetensors --poet 陈") == ["陈甲", "陈乙"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_reads_the_script_that_is_shown() -> None:
    ask = f"COMP_WORDS='pingze comp' COMP_CWORD=1 _PINGZE_COMPLETE=complete_bash {sys.executable} -m pingze"
    script = (
        f'eval "$({sys.executable} -m pingze --show-completion)" && complete -p pingze && {ask}'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout.split("\n") == [
        "complete -o default -F _pingze_completion pingze",
        "compose",
        "",
    ]
