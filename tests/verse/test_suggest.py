import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.verse import check
from pingze.verse.rules import RHYME_RULES, RULES
from pingze.verse.suggestions import suggest
from pingze.verse.tones import groups, usable_tone

ALONE = [
    (rule.name, poem, rule.strictness)
    for rule in RULES.values()
    for poem in rule.rejected
    if poem != "仄仄平平仄，平平仄仄東。平平平仄仄，平平仄仄同。" and not poem.endswith("平平仄仄同。")
]


@pytest.mark.parametrize(("rule", "poem", "level"), ALONE)
def test_each_suggestion_mends_the_fault(rule: str, poem: str, level: str) -> None:
    verdict = check(poem, level=level)
    (fault,) = verdict.violations
    found = suggest(verdict, fault)
    assert len(found) == 8
    for character in found:
        lines = [list(line) for line in verdict.lines]
        lines[fault.line - 1][fault.position - 1] = character
        assert check("，".join(map("".join, lines)), form=verdict.form, level=level).ok


def test_no_single_character_turns_a_line() -> None:
    verdict = check("仄仄平平仄，平平仄仄東。平平平仄仄，平平仄仄同。")
    assert suggest(verdict, verdict.violations[0]) == ()


def test_a_missing_line_cannot_be_mended_by_a_character() -> None:
    verdict = check("仄仄平平仄", form="五絕")
    assert suggest(verdict, verdict.violations[0]) == ()


def test_neighbours_come_first() -> None:
    verdict = check("仄仄平平仄，仄平仄仄東。平平平仄仄，仄仄仄平同。")
    asked = []

    def neighbours(left: str, right: str) -> dict[str, int]:
        asked.append((left, right))
        return {"春": 2, "樓": 5, "月": 9}

    found = suggest(verdict, verdict.violations[0], neighbours=neighbours, limit=3)
    assert asked == [("", "平")]
    assert found[:2] == ("樓", "春")
    assert all(usable_tone(character) == "平" for character in found)


def test_rhymes_come_from_the_poems_group() -> None:
    verdict = check("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平東。")
    found = suggest(verdict, verdict.violations[0])
    assert all("東" in groups(character) for character in found)
    assert "東" not in found


@given(st.text(st.sampled_from("山水月花東先看過发后"), min_size=20, max_size=20))
def test_no_verse_raises(text: str) -> None:
    verdict = check("，".join(text[start : start + 5] for start in range(0, 20, 5)), form="五絕")
    for fault in verdict.violations:
        suggest(verdict, fault)


def test_rhymes_come_from_the_group_of_the_verdict_where_feet_are_of_several() -> None:
    verdict = check("仄仄平平仄，平平仄仄天。平平平仄仄，仄仄仄平東。")
    (fault,) = [fault for fault in verdict.violations if fault.rule in RHYME_RULES]
    found = suggest(verdict, fault)
    assert found
    assert all(verdict.rhyme in groups(character) for character in found)


def test_verse_that_rhymes_oblique_gets_oblique_rhymes() -> None:
    verdict = check(
        "春風吹客酒，夜雨落江月。老樹古人家，青山行處絕。白水照孤雲，秋花看似雪。山中無一事，草木何年天。",
        form="五古",
    )
    (fault,) = [fault for fault in verdict.violations if fault.rule in RHYME_RULES]
    found = suggest(verdict, fault)
    assert found
    assert all(usable_tone(character) == "仄" for character in found)
