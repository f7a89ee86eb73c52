"""The patterns of tunes as data: each is kept by a text made to it, and broken where one character differs."""

import pytest

from pingze.corpus import CorpusPoem
from pingze.errors import InputError
from pingze.verse.checking import check, poems_in
from pingze.verse.forms import find_form
from pingze.verse.standard import PINGSHUI, TONGYUN
from pingze.verse.tunes import Tune, find_tune, tunes
from tests.invented import CI_RHYMES, ci
from tools.tunes import rows

EVERY = [*tunes().values()]


@pytest.mark.parametrize("tune", EVERY, ids=lambda tune: tune.name)
def test_a_text_to_a_pattern_keeps_it_and_breaks_it_with_one_other_character(tune: Tune) -> None:
    lines = find_form(tune.name).layout(0).cut(ci(tune))
    verdict = check("，".join(lines), form=tune.name)
    assert (verdict.form, verdict.violations, verdict.judged) == (tune.name, (), "tones and rhyme")
    found = check("，".join(lines))
    assert found.ok
    assert found.form in tunes() or len({*map(len, lines)}) == 1
    for number, (line, wanted) in enumerate(zip(lines, tune.lines, strict=True)):
        place = next((place for place, tone in enumerate(wanted.tones[:-1]) if tone != "x"), None)
        if place is not None and not tune.echoes:
            other = (
                line[:place] + ("平" if wanted.tones[place] == "Z" else "仄") + line[place + 1 :]
            )
            verdict = check(
                "，".join([*lines[:number], other, *lines[number + 1 :]]), form=tune.name
            )
            faults = [(each.rule, each.line, each.position) for each in verdict.violations]
            assert faults == [("失律", number + 1, place + 1)]


def test_a_line_rhymes_in_the_part_of_most_others_or_in_one_group_of_two_parts() -> None:
    """杯 and 徊 are of another part than 臺 and 來, and all of them are of 灰."""
    lines = find_form("浣溪沙").layout(0).cut(ci(tunes()["浣溪沙"]))
    feet = iter("杯臺徊來魁")
    mixed = [line[:-1] + (next(feet) if line.endswith("東") else line[-1]) for line in lines]
    assert check("，".join(mixed)).ok
    mixed[0] = mixed[0][:-1] + "飛"
    assert {each.rule for each in check("，".join(mixed)).violations} == {"出韻"}
    lines[2] = lines[2][:-1] + "陽"
    verdict = check("，".join(lines))
    assert (verdict.form, verdict.rhyme) == ("浣溪沙", "第一部")
    assert [(each.rule, each.line) for each in verdict.violations] == [("出韻", 3)]


def test_the_table_has_what_is_certain() -> None:
    for tune in EVERY:
        assert tune.shaped >= max(10, tune.pieces / 5)
        assert tune.pieces >= 30
        assert tune.lines[-1].rhyme is not None
        for line in tune.lines:
            assert line.rhymed >= 70 or line.rhyme is None
            for tone, share in zip(line.tones[:-1], line.level, strict=False):
                assert {"P": share >= 90, "Z": share <= 10, "x": 10 <= share <= 90}[tone]


def test_a_tune_is_known_by_other_names_and_an_unknown_one_refused_with_those_that_resemble_it() -> (
    None
):
    given = ["浣溪纱", "點絳唇", "采桑子", "大江東去", "柳梢青格二"]
    assert [find_form(name).name for name in given] == [
        "浣溪沙",
        "點絳脣",
        "採桑子",
        "念奴嬌",
        "柳梢青·格二",
    ]
    assert find_tune("浣花") is None
    with pytest.raises(InputError, match=r"form '浣溪' is unknown; choose one of 五絕.*浣溪沙"):
        find_form("浣溪")


def test_parts_and_their_rhymes() -> None:
    """The halves of a group are in two parts."""
    for character, part in zip("杯開門原懷蛙掛帶", "三五六七五十十五", strict=True):
        assert {name for name, _ in PINGSHUI.parts.rhymes(character)} == {f"第{part}部"}
    assert len(PINGSHUI.parts.groups) == 19
    assert [PINGSHUI.parts.class_in("第一部", kind) for kind in "平仄入"] == ["平", "仄", ""]
    assert [PINGSHUI.parts.class_in("第十五部", kind) for kind in "平仄入"] == ["", "入", "入"]
    assert [PINGSHUI.parts.find(text) for text in ("陽", "二", "第二部", "漾", "無")] == [
        *["第二部"] * 4,
        None,
    ]
    assert TONGYUN.parts.find("唐") is None
    assert [TONGYUN.parts.class_in("昂", kind) for kind in "平仄入"] == ["平", "仄", "仄"]


TITLES = [
    "菩薩蠻\n",
    "漁家傲·秋思\n某甲\n\n",
    "玉樓春\n\n某甲\n\n",
    "蘇幕遮（秋思）\n某甲乙\n",
    "某甲乙\n更漏子\n\n",
]


@pytest.mark.parametrize("title", [*TITLES, "更漏子並序\n甲乙，丙。\n"])
def test_stanzas_apart_are_one_piece_and_a_heading_names_the_tune(title: str) -> None:
    name = next(
        name for name in ("菩薩蠻", "漁家傲", "玉樓春", "蘇幕遮", "更漏子") if name in title
    )
    lines = find_form(name).layout(0).cut(ci(tunes()[name]))
    first, second = (
        "，".join(lines[: len(lines) // 2]) + "。",
        "，".join(lines[len(lines) // 2 :]) + "。",
    )
    assert poems_in(f"{first}\n\n{second}", form=name) == [f"{first}\n{second}"]
    for between in ("", "\n\n"):
        (text,) = poems_in(title + first + between + second)
        assert (check(text).form, check(text).ok) == (name, True)
    # no stanza of its title
    assert poems_in(f"某甲\n{name}·秋思，和韻\n\n{first}{second}")[-1] == first + second


def test_a_wrong_length_is_a_fault_of_shape_and_names_near_tunes() -> None:
    lines = find_form("滿庭芳").layout(0).cut(ci(tunes()["滿庭芳"]))
    lines[1] = lines[1][1:]
    verdict = check("，".join(lines), form="滿庭芳")
    assert [(each.rule, each.line) for each in verdict.violations] == [("字數", 2)]
    (note,) = [note for note in check("，".join(lines)).notes if note.cause["code"] == "tunes_near"]
    assert note.cause["has"][0] == "滿庭芳"  # type: ignore[index]


def test_a_pattern_is_counted_from_pieces() -> None:
    texts = ["平平仄仄平，仄仄平平{0}。仄仄平平{0}。", "仄平仄仄平，平仄平平{0}，平仄平平{0}。"]
    poems = [
        CorpusPoem("qing", "", "", texts[n % 2].format(CI_RHYMES[n % 5][0]), "新調")
        for n in range(40)
    ]
    (row,) = rows(poems + [CorpusPoem("qing", "", "", "平平平平。平平仄平。", "少調")] * 29)
    *head, lines, level, rhymed = row.split("\t")
    assert head == ["新調", "", "40", "40"]
    assert lines == "xPZZP， xZPPP1平。 =xZPPP1平。"
    assert (level.split()[0], rhymed) == ("50.100.0.0.100", "0 100 100")
