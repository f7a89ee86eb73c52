from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.errors import InputError
from pingze.verse.character_table import entry
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE, PINGSHUI
from pingze.verse.tables import table
from pingze.verse.tones import EITHER, UNKNOWN, describe, readings, tone, usable_tone


def test_the_table_is_sorted_and_small_and_every_row_can_be_read() -> None:
    rows = table("characters")
    assert list(rows) == sorted(rows)
    folder = files("pingze.verse") / "data"
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) < 610_000
    for character in rows:
        found = entry(character, PINGSHUI)
        assert found.rhymed
        assert found.rhymed.keys() <= GROUPS.keys()
        assert character not in found.variants
        assert all(other in rows for other in found.variants)
        assert not found.needed or len({GROUPS[name].side for name in found.rhymed}) == 2


def test_readings_are_kept_apart() -> None:
    level, oblique = readings("看")
    assert (str(level), str(oblique)) == ("平寒", "去翰")
    assert (level.used or 0) > (oblique.used or 0) > 0
    assert level.rhymed > 100
    assert (tone("看"), usable_tone("看")) == (EITHER, None)
    assert [usable_tone(c) for c in "不中山月"] == [OBLIQUE, LEVEL, LEVEL, OBLIQUE]
    assert {usable_tone(c) for c in "看思過聽重勝"} == {None}  # it depends on the sense


def test_readings_that_the_source_lacks_are_there_and_simplified_and_japanese_characters() -> None:
    for reading in ("先平先", "僊平先", "槎平麻", "喻去遇", "嘆去翰", "伎上紙", "番去箇", "判平寒"):
        assert reading[1:] in map(str, readings(reading[0]))
    assert UNKNOWN not in map(tone, "爲溪却迴逈鶒")
    assert " ".join(map(str, readings("发"))) == "入月"
    for character, found in (("东", "平東"), ("听", "平青 去徑"), ("気", "去未"), ("対", "去隊")):
        assert " ".join(map(str, describe(character))) == found


def test_describe_asks_for_one_known_character() -> None:
    assert describe(" 看 ") == readings("看")
    with pytest.raises(InputError, match="发 is Simplified for several characters; give one of 發, 髮"):
        describe("发")
    with pytest.raises(InputError, match="has no 'x'"):
        describe("x")
    for text in ("", "看看"):
        with pytest.raises(InputError, match="not one character"):
            describe(text)


@given(st.characters())
def test_no_character_raises(character: str) -> None:
    assert tone(character) in (LEVEL, OBLIQUE, EITHER, UNKNOWN)
    assert (tone(character) == UNKNOWN) == (readings(character) == ())
