"""Verdicts explained line by line, and shown with poems as a notebook shows them."""

import re

from pingze import Poem
from pingze.verse import check
from pingze.verse import explain_verdict as explain
from tests.verse.writing import write


def test_each_line_has_its_pattern_and_licence() -> None:
    lines = write(["ZZPZZ", "PPPZP", "PPZPZ", "ZZZPP"], rhymed_first=False)
    found = explain(check("，".join(lines), form="五絕"))
    assert [each.kind for each in found] == ["a'", "B'", "c", "D"]
    assert [each.pattern for each in found] == ["中仄中仄仄", "中平平仄平", "平平仄平仄", "中仄仄平平"]
    assert [each.rule for each in found] == ["對句相救", "對句相救", "本句自救", None]
    assert not any(each.readings for each in found)


def test_a_character_of_both_tones_has_its_reading_and_meaning() -> None:
    lines = write(["ZZPPZ", "PPZZP", "PPPZZ", "ZZZPP"], rhymed_first=False)
    lines[0], lines[2], lines[3] = "月水將軍樹", "長安客葉玉", lines[3][:-1] + "中"
    first, _, third, fourth = explain(check("，".join(lines), form="五絕"))
    (read,) = first.readings
    assert (read.position, read.char, read.tone, read.groups, read.word) == (3, "將", "平", "陽", "將軍")
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


TEXT = "月日風平月，平平月日東。平平平月日，月日日平天。"


def test_each_character_has_its_tone_and_faults_are_marked() -> None:
    verdict = check(TEXT, form="五絕")
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
