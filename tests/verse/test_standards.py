"""The standards of Mandarin, held to rhymes that each groups and to what changes with them."""

import pytest

from pingze.errors import InputError
from pingze.verse.character_table import mandarin_readings
from pingze.verse.checking import check
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE, RIME_OF_ENDING
from pingze.verse.standard import (
    PINGSHUI,
    STANDARDS,
    TONGYUN,
    XINYUN,
    Standard,
    find_standard,
)
from pingze.verse.suggestions import suggest

# Characters of each group, in the order of the standard: of the first two tones, then of the third
# and fourth.
SAMPLES = {
    "xinyun": "家花馬下 歌波我落 街節雪夜 開來海愛 飛眉水醉 高橋曉照 秋樓酒後 山船遠見 春雲本問 香長養上 "
    "風東夢鳳 溪魚雨二 詩時紙字 書湖古路",
    "tongyun": "家花馬下 波多我落 歌街雪夜 溪詩紙字 書湖古路 魚居雨綠 開來海愛 飛眉水醉 高橋曉照 秋樓酒後 山船遠見 "
    "春雲本問 香長養上 風情影病 東窮勇用 兒而耳二",
}


@pytest.mark.parametrize(("name", "rows"), SAMPLES.items())
def test_each_group_has_a_level_and_an_oblique_half(name: str, rows: str) -> None:
    standard = STANDARDS[name]
    assert len(standard.groups) == 2 * len(rows.split())
    assert set(standard.rimes) == set(RIME_OF_ENDING.values())
    for number, row in enumerate(rows.split()):
        for character, side in zip(row, (LEVEL, LEVEL, OBLIQUE, OBLIQUE), strict=True):
            names = list(standard.groups)[number + len(rows.split()) * (side == OBLIQUE)]
            assert names in standard.rhymes(character), (character, names)
            assert standard.groups[names].side == side
    for group in standard.groups.values():
        if group.side == OBLIQUE:
            assert group.name in standard.rhymes(group.name)


def test_entering_tones_are_read_as_mandarin_reads_them() -> None:
    assert all(PINGSHUI.tone(c) == OBLIQUE for c in "白國菊出月落")
    for standard in (XINYUN, TONGYUN):
        assert [standard.tone(c) for c in "白國菊出月落"] == [LEVEL] * 4 + [OBLIQUE] * 2
        assert standard.tones("長") == {LEVEL, OBLIQUE}
        assert standard.usable_tone("長") is None
        assert standard.tones("思") == {LEVEL}
        assert standard.tone("她") == LEVEL  # a word of today, which the tables of verse lack
        assert standard.tone("气") == standard.tone("氣") == OBLIQUE


@pytest.mark.parametrize("standard", [XINYUN, TONGYUN])
def test_a_rare_reading_is_no_rhyme_to_compose(standard: Standard) -> None:
    for character, common, rare in (
        ("落", "luò", "là"),
        ("數", "shù", "shuò"),
        ("色", "sè", "shǎi"),
    ):
        (group,) = standard.groups_of_syllable(common)
        (rare_group,) = standard.groups_of_syllable(rare)
        assert standard.is_practised(character, group)
        assert not standard.is_practised(character, rare_group)
        assert rare_group in standard.rhymes(character)


def test_a_character_has_the_readings_of_its_simplified_form() -> None:
    assert mandarin_readings()["間"] == ["jiàn", "jiān"]
    assert mandarin_readings()["別"] == ["bié"]  # 别 is 彆 too


def test_a_word_decides_how_its_last_character_rhymes() -> None:
    rhymes = XINYUN.words.rhymes
    assert list(rhymes["行樂"]) == ["火"]
    assert list(rhymes["音樂"]) == ["夜"]


def test_a_word_decides_a_reading_and_a_neutral_tone_fits_both() -> None:
    assert list(map("".join, XINYUN.words.tones_in("長老", [0]))) == ["仄", "仄"]
    assert list(map("".join, XINYUN.words.tones_in("將軍", [0]))) == ["平", "平"]
    assert all(len(pair) == len(tones) == 2 for pair, tones in XINYUN.words.tones.items())
    assert len(XINYUN.groups_of_syllable("ma")) == 2
    assert "de" not in mandarin_readings()["的"]  # it has others
    names = [
        TONGYUN.groups_of_syllable(each) for each in ("zhī", "ní", "jū", "wēng", "xióng", "yuè")
    ]
    assert names == [(name,) for name in "衣衣迂英雍夜"]
    assert find_standard("pingshui") is PINGSHUI
    with pytest.raises(InputError, match="xinyun"):
        check("白日依山盡", standard="zhongyuan")


def test_a_poem_is_judged_by_its_standard_and_what_is_suggested_keeps_it() -> None:
    """By Mandarin 國 is level and rhymes with 波; 雪 rhymes with 夜 in 新韻, and with 歌's oblique half in 通韻."""
    poem = "夜靜江風起，天寒月照波。扁舟何處去，一笑念山{}。"
    by_mandarin = check(poem.format("國"), form="五絕", standard="xinyun")
    assert by_mandarin.ok
    assert (by_mandarin.rhyme, by_mandarin.standard) == ("波", "xinyun")
    assert not check(poem.format("國"), form="五絕").ok
    (fault,) = check(poem.format("家"), form="五絕", standard="xinyun").violations
    assert (fault.rule, fault.readings) == ("出韻", ("平麻",))
    verdict = check(poem.format("家"), form="五絕", standard="tongyun")
    fitting = suggest(verdict, verdict.violations[0])
    assert fitting
    assert all(check(poem.format(c), form="五絕", standard="tongyun").ok for c in fitting)


def test_a_line_too_many_has_the_readings_of_the_standard() -> None:
    verdict = check(
        "夜靜江風起，天寒月照波。扁舟何處去，一笑念山國。雪滿寒江夜。",
        form="五絕",
        standard="xinyun",
    )
    (fault,) = verdict.violations
    assert (fault.rule, fault.line, fault.readings) == ("句數", 5, ("仄夜",))


def test_no_group_borrows_and_rhymes_are_those_of_poets() -> None:
    assert all(
        len(near) == 1 for standard in (XINYUN, TONGYUN) for near in standard.neighbours.values()
    )
    assert XINYUN.is_practised("波", "波")
    assert not XINYUN.is_practised("䯀", "波")
    assert XINYUN.rhyme_characters("庚")[:20] != PINGSHUI.rhyme_characters("庚")[:20]
    assert {"風", "情", "空"} <= set(XINYUN.rhyme_characters("庚")[:20])
    assert [XINYUN.find_group(text) for text in ("仄聲一麻", "一麻")] == [
        XINYUN.groups[name] for name in "馬麻"
    ]
