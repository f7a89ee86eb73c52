from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.errors import InputError
from pingze.verse import character_table as table
from pingze.verse.rhyme_groups import GROUPS, LEVEL, NEIGHBOURS, OBLIQUE, OLD_STYLE_CLASSES, TONES, neighbours
from pingze.verse.tones import EITHER, UNKNOWN, describe, readings, tone, usable_tone


def test_there_are_106_groups() -> None:
    counts = {tone: sum(group.tone == tone for group in GROUPS.values()) for tone in TONES}
    assert counts == {"平": 30, "上": 29, "去": 30, "入": 17}
    assert [GROUPS[name].label for name in "東刪先翰洽"] == [
        *("上平一東", "上平十五刪", "下平一先", "去聲十五翰", "入聲十七洽")
    ]


def test_classes_hold_each_group_once() -> None:
    assert sorted("".join(OLD_STYLE_CLASSES)) == sorted(GROUPS)
    assert {GROUPS[name].tone for names in NEIGHBOURS for name in names} == {LEVEL}
    assert neighbours("文") == "真文元寒刪先"


def test_the_table_is_sorted_and_small() -> None:
    assert list(table.rows()) == sorted(table.rows())
    folder = files("pingze.verse") / "data"
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) < 400_000


def test_every_row_can_be_read() -> None:
    for character in table.rows():
        entry = table.entry(character)
        assert entry is not None
        assert entry.rhymed.keys() <= GROUPS.keys()
        assert entry.sides
        assert character not in entry.variants
        assert all(other in table.rows() for other in entry.variants)
        assert not entry.needed or len(entry.sides) == 2


def test_readings_are_kept_apart() -> None:
    level, oblique = readings("看")
    assert (str(level), str(oblique)) == ("平寒", "去翰")
    assert (level.used or 0) > (oblique.used or 0) > 0
    assert level.rhymed > 100
    assert (tone("看"), usable_tone("看")) == (EITHER, None)


@pytest.mark.parametrize("character", "先僊槎喻嘆伎番判")
def test_readings_that_the_source_lacks_are_there(character: str) -> None:
    wanted = {
        "先": "平先",
        "僊": "平先",
        "槎": "平麻",
        "喻": "去遇",
        "嘆": "去翰",
        "伎": "上紙",
        "番": "去箇",
        "判": "平寒",
    }
    assert wanted[character] in map(str, readings(character))


@pytest.mark.parametrize(
    ("character", "side"), [("不", OBLIQUE), ("中", LEVEL), ("山", LEVEL), ("月", OBLIQUE)]
)
def test_usable_tones(character: str, side: str) -> None:
    assert usable_tone(character) == side


@pytest.mark.parametrize("character", "看思過聽重勝")
def test_what_depends_on_the_sense_stays_open(character: str) -> None:
    assert usable_tone(character) is None


@pytest.mark.parametrize("character", "爲溪却迴逈鶒")
def test_variants_and_rare_characters_are_known(character: str) -> None:
    assert tone(character) != UNKNOWN


def test_simplified_characters() -> None:
    assert readings("东") == readings("東")
    assert list(map(str, readings("发"))) == ["入月"]
    assert list(map(str, readings("听"))) == list(map(str, readings("聽")))


def test_describe_asks_for_one_known_character() -> None:
    assert describe(" 看 ") == readings("看")
    with pytest.raises(InputError, match="发 is Simplified for 發 or 髮"):
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
