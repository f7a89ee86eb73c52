from hypothesis import given, settings
from hypothesis import strategies as st

from pingze.cli.terminal.checked_poem import show
from pingze.verse import check


def test_a_fault_stands_under_its_character() -> None:
    verdict = check("看仄平平仄，仄平仄仄東。平平平仄仄，仄仄仄平同。")
    assert show(verdict, lambda fault: ["山", "人"]).plain.splitlines()[:8] == [
        "五絕 · 仄起首句不入韻 · 上平一東 · customary",
        "",
        " 1 看 仄 平 平 仄",
        "   ◐  ●  ○  ○  ●",
        " 2 仄 平 仄 仄 東",
        "   ●  ○  ●  ●  ○",
        "   ^^ 孤平: 山 人",
        " 3 平 平 平 仄 仄",
    ]
    text = show(verdict).plain
    assert "孤平: In a line" in text
    assert "· 重字: " in text
    assert text.endswith("1 fault")


def test_what_is_missing_is_shown_after_the_lines() -> None:
    text = show(check("仄仄平平仄", form="五絕")).plain
    assert " 2 句數\n" in text
    assert "句數: A form has its number of lines." in text


def test_another_shape_is_described() -> None:
    text = show(check("日月□川，日月山川。")).plain
    assert text.startswith("no form · customary")
    assert "?" in text
    assert text.endswith("fits no form")


@given(st.text(st.sampled_from("山水月花東先看過发后，。\n□"), max_size=60))
@settings(deadline=None)
def test_every_verdict_can_be_shown(text: str) -> None:
    assert show(check(text)).plain
