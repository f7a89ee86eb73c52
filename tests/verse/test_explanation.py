"""Verdicts explained line by line, on single lines and lines written from tones."""

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
