from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.verse import check
from pingze.verse.suggestions import suggest
from pingze.verse.tones import groups, usable_tone
from pingze.verse.verdict import RHYME_RULES
from tests.verse.test_rules import RULES

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
    assert len(found) == (1 if fault.rule == "疊句" else 8)
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
    assert all(usable_tone(character) == "平" for character in found)


@pytest.mark.parametrize(
    ("text", "form", "rhyme", "side"),
    [
        ("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平東。", "五絕", "東", "平"),
        ("仄仄平平仄，平平仄仄天。平平平仄仄，仄仄仄平東。", "五絕", "先", "平"),
        (
            "春風吹客酒，夜雨落江月。老樹古人家，青山行處絕。白水照孤雲，秋花看似雪。山中無一事，草木何年天。",
            "五古",
            "屑",
            "仄",
        ),
    ],
)
def test_rhymes_come_from_the_poems_group(text: str, form: str, rhyme: str, side: str) -> None:
    verdict = check(text, form=form)
    (fault,) = [fault for fault in verdict.violations if fault.rule in RHYME_RULES]
    found = suggest(verdict, fault)
    assert found
    assert all(rhyme in groups(character) and usable_tone(character) == side for character in found)
    assert not set(found) & set("".join(verdict.lines))


@given(st.text(st.sampled_from("山水月花東先看過发后"), min_size=20, max_size=20))
def test_no_verse_raises(text: str) -> None:
    verdict = check("，".join(text[start : start + 5] for start in range(0, 20, 5)), form="五絕")
    for fault in verdict.violations:
        suggest(verdict, fault)
