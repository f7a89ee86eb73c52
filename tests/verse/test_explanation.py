"""Verdicts explained line by line, mended by one character, and shown with poems as a notebook shows them."""

import re
from unittest.mock import Mock

import pytest

from pingze import Poem
from pingze.verse.checking import check
from pingze.verse.scansion import explain_verdict as explain
from pingze.verse.standard import PINGSHUI
from pingze.verse.suggestions import suggest, suggest_swaps
from pingze.verse.verdict import RHYME_RULES
from tests.verse.test_rules import RULES
from tests.verse.writing import write


def test_each_line_has_its_pattern_and_licence() -> None:
    found = explain(
        check(
            "，".join(write(["ZZPZZ", "PPPZP", "PPZPZ", "ZZZPP"], rhymed_first=False)), form="五絕"
        )
    )
    assert [each.kind for each in found] == ["a'", "B'", "c", "D"]
    assert [each.pattern for each in found] == [
        "中仄中仄仄",
        "中平平仄平",
        "平平仄平仄",
        "中仄仄平平",
    ]
    assert [each.rule for each in found] == ["對句相救", "對句相救", "本句自救", None]
    assert not any(each.readings for each in found)


def test_a_character_of_both_tones_has_its_reading_and_meaning() -> None:
    lines = write(["ZZPPZ", "PPZZP", "PPPZZ", "ZZZPP"], rhymed_first=False)
    lines[0], lines[2], lines[3] = "月水將軍樹", "長安客葉玉", lines[3][:-1] + "中"
    first, _, third, fourth = explain(check("，".join(lines), form="五絕"))
    (read,) = first.readings
    assert (read.position, read.char, read.tone, read.groups, read.word) == (
        3,
        "將",
        "平",
        "陽",
        "將軍",
    )
    assert (third.readings[0].char, third.readings[0].word) == ("長", "長安")
    assert third.readings[0].en.startswith("long")
    (read,) = fourth.readings  # a rhyme is read in the poem's group
    assert (read.position, read.tone, read.groups) == (5, "平", "東")
    (spoken,) = explain(check("，".join(lines), form="五絕", standard="xinyun"))[3].readings
    assert (spoken.tone, spoken.groups, spoken.en) == ("平", "庚", "")


def test_old_style_verse_has_readings_alone_and_other_texts_nothing() -> None:
    found = explain(check("山月看花去，長風萬里吹。獨行秋水上，無處不相思。", form="五古"))
    assert {each.pattern for each in found} == {None}
    assert [each.readings[-1].char for each in found if each.readings][-1] == "思"
    assert explain(check("山月")) == ()
    assert explain(check("山月，天日", form="五絕")) == ()


def test_each_character_has_its_tone_and_faults_are_marked() -> None:
    verdict = check("月日風平月，平平月日東。平平平月日，月日日平天。", form="五絕")
    shown = verdict._repr_html_()
    assert shown.count("<ruby") == 20
    assert "<ruby>風<rt>○</rt></ruby>" in shown
    assert "<ruby>月<rt>●</rt></ruby>" in shown
    faulty = {(fault.line, fault.position) for fault in verdict.violations}
    assert len(re.findall("<ruby style=", shown)) == len(faulty) > 0
    assert "出韻" in shown
    assert f"{len(verdict.violations)} fault" in shown


def test_prose_is_shown_too_and_nothing_of_it_is_markup() -> None:
    shown = check("<script>alert(1)</script>")._repr_html_()
    assert "<script" not in shown
    assert "fits no form" in shown


def test_a_poem_is_shown_upright_with_its_marks() -> None:
    poem = Poem("五絕", None, "東", "<江>", None, 1, "tang", ["春水連山遠", "江雲落日風"], -20.0)
    shown = poem._repr_html_()
    assert "vertical-rl" in shown
    assert "春水連山遠，江雲落日風。" in shown
    assert "&lt;江&gt;" in shown


MENDED_BY_ONE = [
    (poem, rule.get("strictness", "customary"))
    for rule in RULES.values()
    for poem in rule["rejected"]
    if not poem.endswith("平平仄仄同。")  # a turned line
]


@pytest.mark.parametrize(("poem", "level"), MENDED_BY_ONE)
def test_each_suggestion_mends_the_fault(poem: str, level: str) -> None:
    verdict = check(poem, level=level)
    (fault,) = verdict.violations
    found = suggest(verdict, fault)
    assert len(found) == (1 if fault.rule in ("疊句", "疊韻") else 8)
    for character in found:
        lines = [list(line) for line in verdict.lines]
        lines[fault.line - 1][fault.position - 1] = character
        assert check("，".join(map("".join, lines)), form=verdict.form, level=level).ok


def test_no_single_character_mends_a_turned_line_or_missing_lines() -> None:
    for text in ("仄仄平平仄，平平仄仄東。平平平仄仄，平平仄仄同。", "仄仄平平仄"):
        verdict = check(text, form="五絕")
        assert suggest(verdict, verdict.violations[0]) == ()


def test_neighbours_come_first() -> None:
    verdict = check("仄仄平平仄，仄平仄仄東。平平平仄仄，仄仄仄平同。")
    neighbours = Mock(return_value={"春": 2, "樓": 5, "月": 9})
    found = suggest(verdict, verdict.violations[0], neighbours=neighbours, limit=3)
    neighbours.assert_called_once_with("", "平")
    assert found[:2] == ("樓", "春")
    assert all(PINGSHUI.usable_tone(character) == "平" for character in found)


OLD_STYLE = "春風吹客酒，夜雨落江月。老樹古人家，青山行處絕。白水照孤雲，秋花看似雪。山中無一事，草木何年天。"


@pytest.mark.parametrize(
    ("text", "form", "rhyme", "side"),
    [
        ("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平東。", "五絕", "東", "平"),
        ("仄仄平平仄，平平仄仄天。平平平仄仄，仄仄仄平東。", "五絕", "先", "平"),
        (OLD_STYLE, "五古", "屑", "仄"),
    ],
)
def test_rhymes_come_from_the_poems_group(text: str, form: str, rhyme: str, side: str) -> None:
    verdict = check(text, form=form)
    (fault,) = [fault for fault in verdict.violations if fault.rule in RHYME_RULES]
    found = suggest(verdict, fault)
    assert found
    assert all(
        rhyme in PINGSHUI.rhymes(character) and PINGSHUI.usable_tone(character) == side
        for character in found
    )
    assert not set(found) & set("".join(verdict.lines))


EXCHANGED = [
    "秋夜永無寐",
    "寥寥天籟清",
    "庭虛蟲響澀",
    "窗靜月光生",
    "孤吟感時節",
    "此夕倍淒情",
    "蟋蟀聲偏切",
    "茱萸色易明",
]
"""A 五律 whose last two couplets have changed places: its fifth line is 失黏."""


def test_a_line_after_one_out_of_order_says_which_pattern_it_needs_beside_the_one_it_has() -> None:
    last = explain(check("，".join(EXCHANGED)))[-1]
    assert (last.pattern, last.has, last.needs) == ("平平中仄平", "平平仄仄平", "中仄仄平平")


def test_all_characters_that_would_have_to_change_are_named() -> None:
    found = explain(check("，".join(EXCHANGED)))
    assert [line.wrong for line in found] == [(), (), (), (), (), (1, 2, 4), (2, 4), (2, 4)]


def test_a_line_in_order_needs_the_pattern_that_it_was_judged_by() -> None:
    for line in explain(check("，".join(EXCHANGED)))[:4]:
        assert line.needs == line.pattern


def test_couplets_that_mend_the_order_by_changing_places_are_suggested() -> None:
    assert (5, 7) in suggest_swaps(check("，".join(EXCHANGED)))


def test_couplets_of_a_poem_without_a_fault_stay() -> None:
    assert suggest_swaps(check("，".join(EXCHANGED[:4] + EXCHANGED[6:] + EXCHANGED[4:6]))) == ()
