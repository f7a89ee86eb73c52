"""The standards of Mandarin, held to rhymes that each groups and to what changes with them."""

import pytest

from pingze.errors import InputError
from pingze.verse.character_table import ENDINGS, mandarin_groups, mandarin_readings
from pingze.verse.checking import check
from pingze.verse.context import tones_in, word_tones
from pingze.verse.rhyme import find_group, practised, rhyme_characters
from pingze.verse.rhyme_groups import (
    LEVEL,
    OBLIQUE,
    PINGSHUI,
    STANDARDS,
    TONGYUN,
    XINYUN,
    find_standard,
)
from pingze.verse.suggestions import suggest
from pingze.verse.tones import groups, sides, tone, usable_tone

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
    assert set(standard.rimes) == set(ENDINGS.values())
    for number, row in enumerate(rows.split()):
        for character, side in zip(row, (LEVEL, LEVEL, OBLIQUE, OBLIQUE), strict=True):
            names = [*standard.groups][number + len(rows.split()) * (side == OBLIQUE)]
            assert names in groups(character, standard), (character, names)
            assert standard.groups[names].side == side
    for group in standard.groups.values():
        if group.side == OBLIQUE:
            assert group.name in groups(group.name, standard)


def test_entering_tones_are_read_as_mandarin_reads_them() -> None:
    assert all(tone(c) == OBLIQUE for c in "白國菊出月落")
    for standard in (XINYUN, TONGYUN):
        assert [tone(c, standard) for c in "白國菊出月落"] == [LEVEL] * 4 + [OBLIQUE] * 2
        assert sides("長", standard) == {LEVEL, OBLIQUE}
        assert usable_tone("長", standard) is None
        assert sides("思", standard) == {LEVEL}
        assert tone("她", standard) == LEVEL  # a word of today, which the tables of verse lack
        assert tone("气", standard) == tone("氣", standard) == OBLIQUE


def test_a_word_decides_a_reading_and_a_neutral_tone_fits_both() -> None:
    assert [*map("".join, tones_in("長老", [0], XINYUN))] == ["仄", "仄"]
    assert [*map("".join, tones_in("將軍", [0], XINYUN))] == ["平", "平"]
    assert all(len(pair) == len(tones) == 2 for pair, tones in word_tones(XINYUN).items())
    assert len(mandarin_groups("ma", XINYUN)) == 2
    assert "de" not in mandarin_readings()["的"]  # it has others
    names = [mandarin_groups(each, TONGYUN) for each in ("zhī", "ní", "jū", "wēng", "xióng", "yuè")]
    assert names == [*"衣衣迂英雍夜"]
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


def test_no_group_borrows_and_rhymes_are_those_of_poets() -> None:
    assert all(len(near) == 1 for standard in (XINYUN, TONGYUN) for near in standard.near.values())
    assert practised("波", "波", XINYUN)
    assert not practised("䯀", "波", XINYUN)
    assert rhyme_characters("庚", XINYUN)[:20] != rhyme_characters("庚")[:20]
    assert {"風", "情", "空"} <= set(rhyme_characters("庚", XINYUN)[:20])
    assert [find_group(text, XINYUN) for text in ("仄聲一麻", "一麻")] == [
        XINYUN.groups[name] for name in "馬麻"
    ]
