"""What is printed: a checked poem, and the progress of long commands where there is no terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.cli.progress import status
from pingze.cli.prosody import drawn
from pingze.verse import check


def test_news_and_numbers_are_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("pingze.cli.progress.time.monotonic", lambda: now)
    with status() as tell:
        for second in range(25):
            now = 100.0 + second
            tell(f"fetching: {second} s")
        tell("reading")
    told = ["fetching: 0 s", "fetching: 10 s", "fetching: 20 s", "reading"]
    assert capsys.readouterr().err.splitlines() == told


def test_a_fault_is_drawn_under_its_character() -> None:
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


def test_missing_lines_and_other_shapes_are_described() -> None:
    assert " 2 句數\n" in drawn(check("仄仄平平仄", form="五絕"), lambda _: ()).plain
    text = drawn(check("日月□川，日月山川。"), lambda _: ()).plain
    assert text.startswith("no form · customary")
    assert "?" in text
    assert text.endswith("fits no form")


@given(st.text(st.sampled_from("山水月花東先看過发后，。\n□"), max_size=60))
def test_every_verdict_can_be_drawn(text: str) -> None:
    assert drawn(check(text), lambda _: ()).plain
