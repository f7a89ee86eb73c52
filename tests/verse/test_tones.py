"""Tones and rhymes of characters, groups by name, the group of a poem, and how poets rhyme."""

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.errors import InputError
from pingze.files import table
from pingze.verse.rhyme_book import EITHER, UNKNOWN, rhyme_counts
from pingze.verse.rhyme_groups import GROUPS, LEVEL, NEIGHBOURS, OBLIQUE, Group
from pingze.verse.standard import PINGSHUI

MEANINGS = {"cedict.json", "glosses.json", "readings.json", "words.tsv"}


def test_the_tables_of_meanings_are_small() -> None:
    folder = files("pingze.verse") / "data"
    found = {file.name: len(file.read_bytes()) for file in folder.iterdir()}
    assert sum(found[name] for name in MEANINGS) < 650_000


def test_the_table_is_sorted_and_small_and_every_row_can_be_read() -> None:
    rows = table("characters")
    assert list(rows) == sorted(rows)
    folder = files("pingze.verse") / "data"
    others = [file for file in folder.iterdir() if file.name not in MEANINGS]
    assert sum(len(file.read_bytes()) for file in others) < 870_000
    for character in rows:
        found = PINGSHUI.row(character)
        assert found.rhymed
        assert found.rhymed.keys() <= GROUPS.keys()
        assert character not in found.variants
        assert all(other in rows for other in found.variants)
        assert not found.needed or len({GROUPS[name].side for name in found.rhymed}) == 2


def test_readings_are_kept_apart() -> None:
    level, oblique = PINGSHUI.readings("看")
    assert (str(level), str(oblique)) == ("平寒", "去翰")
    assert (level.used or 0) > (oblique.used or 0) > 0
    assert level.rhymed > 100
    assert (PINGSHUI.tone("看"), PINGSHUI.usable_tone("看")) == (EITHER, None)
    assert [PINGSHUI.usable_tone(c) for c in "不中山月"] == [OBLIQUE, LEVEL, LEVEL, OBLIQUE]
    assert {PINGSHUI.usable_tone(c) for c in "看思過聽重勝"} == {None}  # it depends on the sense


def test_a_form_that_verse_hardly_uses_has_the_counts_of_the_usual_one() -> None:
    assert PINGSHUI.readings("為") == PINGSHUI.readings("爲")


def test_readings_that_the_source_lacks_are_there_and_simplified_and_japanese_characters() -> None:
    for reading in ("先平先", "僊平先", "槎平麻", "喻去遇", "嘆去翰", "伎上紙", "番去箇", "判平寒"):
        assert reading[1:] in map(str, PINGSHUI.readings(reading[0]))
    assert UNKNOWN not in map(PINGSHUI.tone, "爲溪却迴逈鶒")
    assert " ".join(map(str, PINGSHUI.readings("发"))) == "入月"
    for character, found in (
        ("东", "平東"),
        ("听", "平青 去徑"),
        ("気", "去未"),
        ("対", "去隊"),
        ("淸", "平庚"),
    ):
        assert " ".join(map(str, PINGSHUI.describe(character))) == found


def test_describe_asks_for_one_known_character() -> None:
    assert PINGSHUI.describe(" 看 ") == PINGSHUI.readings("看")
    with pytest.raises(
        InputError, match="发 is Simplified for several characters; give one of 發, 髮"
    ):
        PINGSHUI.describe("发")
    with pytest.raises(InputError, match="has no 'x'"):
        PINGSHUI.describe("x")
    for text in ("", "看看"):
        with pytest.raises(InputError, match="not one character"):
            PINGSHUI.describe(text)


@given(st.characters())
def test_no_character_raises(character: str) -> None:
    assert PINGSHUI.tone(character) in (LEVEL, OBLIQUE, EITHER, UNKNOWN)
    assert (PINGSHUI.tone(character) == UNKNOWN) == (PINGSHUI.readings(character) == ())


def test_there_are_106_groups_in_classes() -> None:
    counts = {tone: sum(group.tone == tone for group in GROUPS.values()) for tone in "平上去入"}
    assert counts == {"平": 30, "上": 29, "去": 30, "入": 17}
    assert [GROUPS[name].label for name in "東刪先咸翰洽"] == [
        "上平一東",
        "上平十五刪",
        "下平一先",
        "下平十五咸",
        "去聲十五翰",
        "入聲十七洽",
    ]
    assert sorted("".join(NEIGHBOURS)) == sorted(GROUPS)
    assert {GROUPS[name].tone for names in NEIGHBOURS[:13] for name in names} == {LEVEL}
    assert PINGSHUI.neighbours["文"] == set("真文元寒刪先")


def test_the_characters_of_a_group_by_use() -> None:
    found = PINGSHUI.rhyme_characters("陽")
    assert set("長香陽光") <= set(found[:10])
    assert len(set(found)) == len(found)
    assert all("陽" in PINGSHUI.rhymes(character) for character in found[:100])
    assert all(PINGSHUI.rhyme_characters(name) for name in GROUPS)
    with pytest.raises(InputError, match="rhyme '甲' is unknown; choose one of 東, 冬"):
        PINGSHUI.rhyme_characters("甲")


def test_groups_are_found_by_name_or_character() -> None:
    for text, names in (
        ("陽", "陽"),
        ("下平七陽", "陽"),
        ("香", "陽"),
        ("看", "寒翰"),
        (" 東 ", "東"),
    ):
        assert "".join(group.name for group in PINGSHUI.find_groups(text)) == names
    assert PINGSHUI.find_group("") is None
    with pytest.raises(InputError, match="not one character"):
        PINGSHUI.find_groups("東風")


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_every_group_is_found_by_each_of_its_names_in_both_scripts(group: Group) -> None:
    for name in [
        group.name,
        *(one for one, others in table("simplified").items() if group.name in others),
    ]:
        for before in (
            "",
            group.label[2:-1],
            group.label[:-1],
            group.label[:-1].replace("聲", "声"),
        ):
            for after in ("", "韻", "韵"):
                assert PINGSHUI.find_group(before + name + after) == group


def test_the_shared_group_and_what_chimes() -> None:
    east, winter, room = (frozenset(name) for name in "東冬屋")
    assert PINGSHUI.shared_group([PINGSHUI.rhymes(character) for character in "東中紅"]) == "東"
    assert PINGSHUI.shared_group([frozenset()]) is None
    assert PINGSHUI.shared_group([east, winter]) == "東"
    assert PINGSHUI.shared_group([east, winter], preferring=[winter]) == "冬"
    assert PINGSHUI.shared_group([room, room, east], tone="平") == "東"
    found = [
        PINGSHUI.neighbour_rhyme(one, frozenset(other))
        for one, other in ((east, "冬"), (east, "董"), (frozenset(), "董"))
    ]
    assert found == [True, False, True]  # neighbours chime, tones do not
    assert PINGSHUI.neighbour_rhyme(frozenset("紙"), frozenset("未"))


def test_a_group_in_the_book_is_no_licence_and_few_rhymes_say_nothing_of_oblique_groups() -> None:
    for pair in ("堤支", "逢東", "還先", "堤齊", "逢冬", "還刪", "遊尤"):
        is_practised = pair[1] in "齊冬刪尤"
        assert PINGSHUI.is_practised(*pair) is is_practised
        assert PINGSHUI.is_rare_rhyme(*pair) is not is_practised
    assert not rhyme_counts("㑛")
    assert PINGSHUI.is_practised("㑛", "屋")
    assert not PINGSHUI.is_practised("㑛", "東")


def test_first_lines_borrow_where_poets_do() -> None:
    assert (PINGSHUI.lenders("庚"), PINGSHUI.lenders("支"), PINGSHUI.lenders("蒸")) == (
        "庚青",
        "支微",
        "蒸",
    )
    for name, group in GROUPS.items():
        if group.tone == LEVEL:
            assert {name} <= set(PINGSHUI.lenders(name)) <= PINGSHUI.neighbours[name]
