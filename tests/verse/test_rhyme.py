import pytest

from pingze.errors import InputError
from pingze.verse.character_table import simplified
from pingze.verse.rhyme import chime, find_group, find_groups, rhyme_characters, shared_group
from pingze.verse.rhyme_groups import GROUPS, Group
from pingze.verse.tones import groups


def test_characters_of_a_group_come_by_use() -> None:
    found = rhyme_characters("陽")
    assert set("長香陽光") <= set(found[:10])
    assert len(set(found)) == len(found)
    assert all("陽" in groups(character) for character in found[:100])


def test_every_group_has_characters() -> None:
    assert all(rhyme_characters(name) for name in GROUPS)
    with pytest.raises(InputError, match="no rhyme group '甲'"):
        rhyme_characters("甲")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("陽", "陽"),
        ("阳", "陽"),
        ("七陽", "陽"),
        ("下平七陽", "陽"),
        ("看", "寒翰"),
        ("香", "陽"),
        (" 東 ", "東"),
    ],
)
def test_groups_are_found_by_name_or_character(text: str, names: str) -> None:
    assert "".join(group.name for group in find_groups(text)) == names


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_every_group_is_found_by_each_of_its_names_in_both_scripts(group: Group) -> None:
    simple = [group.name, *(one for one, others in simplified().items() if group.name in others)]
    for name in simple:
        for before in ("", group.label[2:-1], group.label[:-1], group.label[:-1].replace("聲", "声")):
            for after in ("", "韻", "韵"):
                assert find_group(before + name + after) == group


def test_what_is_no_group_is_refused() -> None:
    assert find_group("") is None
    with pytest.raises(InputError, match="not one character"):
        find_groups("東風")


def test_the_shared_group() -> None:
    feet = [groups(character) for character in "東中紅"]
    assert shared_group(feet) == "東"
    assert shared_group([frozenset()]) is None
    assert shared_group([frozenset({"東"}), frozenset({"冬"})]) == "東"
    assert shared_group([frozenset({"東"}), frozenset({"冬"})], preferring=[frozenset({"冬"})]) == "冬"
    assert shared_group([frozenset({"屋"}), frozenset({"屋"}), frozenset({"東"})], tone="平") == "東"


def test_neighbours_chime_and_tones_do_not() -> None:
    assert chime(frozenset({"東"}), frozenset({"冬"}))
    assert chime(frozenset({"紙"}), frozenset({"未"}))
    assert not chime(frozenset({"東"}), frozenset({"董"}))
    assert chime(frozenset(), frozenset({"董"}))
