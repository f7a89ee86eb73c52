"""The patterns of tunes: invented pieces keep them, and break them where one character differs."""

from pathlib import Path

import pytest

from pingze.errors import InputError
from pingze.verse.checking import check, poems_in
from pingze.verse.ci import judge
from pingze.verse.forms import find_form
from pingze.verse.standard import PINGSHUI, TONGYUN
from pingze.verse.tunes import Tune, ends_of, find_tune, tunes
from tests.invented import ci

USUAL = [tunes()[name] for name in list(tunes().of_tune)[:60]]
ROWS = Path(__file__).with_name("tunes.tsv").read_text(encoding="utf-8").splitlines()
PIECES = dict(row.split("\t") for row in ROWS)
"""An invented piece to twenty tunes: 平 and 仄 stand for themselves, other characters for their rhymes."""


@pytest.mark.parametrize("name", PIECES)
def test_a_piece_to_a_tune_is_named_and_has_no_fault(name: str) -> None:
    verdict = check(f"{name}\n{PIECES[name]}")
    assert verdict.ok, [(fault.rule, fault.line, fault.position) for fault in verdict.violations]
    assert verdict.form is not None
    assert verdict.form.partition("·")[0] == name


@pytest.mark.parametrize("name", PIECES)
def test_a_piece_to_a_tune_without_its_rhyme_has_a_fault(name: str) -> None:
    last = "六" if "平" in PINGSHUI.tones(PIECES[name][-2]) else "天"
    faults = check(PIECES[name][:-2] + last + "。", form=name).violations
    assert {fault.rule for fault in faults} & {"出韻", "疊韻"}


@pytest.mark.parametrize("tune", USUAL, ids=lambda tune: tune.name)
def test_a_text_to_a_pattern_keeps_it_strictly(tune: Tune) -> None:
    form = find_form(tune.name)
    verdict = judge(form.layout(0).cut(ci(tune)), form, "strict", PINGSHUI)
    assert (verdict.form, verdict.violations, verdict.judged) == (tune.name, (), "tones and rhyme")


@pytest.mark.parametrize("tune", USUAL, ids=lambda tune: tune.name)
def test_another_tone_than_the_book_s_is_a_strict_fault(tune: Tune) -> None:
    form = find_form(tune.name)
    text = ci(tune)
    feet = {end - 1 for end in tune.ends}
    echoes = {*tune.echoes, *tune.echoes.values()}
    for place, tone in enumerate(tune.tones("strict")):
        if tone == "x" or place in feet | echoes:
            continue
        other = text[:place] + ("平" if tone == "Z" else "仄") + text[place + 1 :]
        verdict = judge(form.layout(0).cut(other), form, "strict", PINGSHUI)
        faults = [(fault.rule, fault.line, fault.position) for fault in verdict.violations]
        assert faults == [("失律", *form.layout(0).numbered(place))]


def test_customary_tones_are_free_and_strict_ones_are_not() -> None:
    """生子當如孫仲謀: the fifth place of 仄仄平平仄仄平 is often level."""
    tune = tunes()["南鄉子"]
    assert tune.tones("strict")[-3] == "Z"
    assert tune.tones("customary")[-3] == "x"


def test_the_fifth_place_is_free_where_the_line_rhymes() -> None:
    for name in ("採桑子", "鷓鴣天", "一剪梅"):
        assert tunes()[name].lines[-1 if name != "一剪梅" else 0].customary[4] == "x"


def test_a_line_whose_rhythm_the_book_leaves_open_is_judged() -> None:
    piece = PIECES["鷓鴣天"].replace("仄仄平平仄仄東", "平平平平平平東", 1)
    faults = check(piece, form="鷓鴣天").violations
    assert [(fault.rule, fault.line, fault.position) for fault in faults] == [
        ("失律", 1, 2),
        ("失律", 1, 6),
    ]


def test_names_of_the_book_find_their_tunes() -> None:
    names = {
        "金縷曲": "賀新郎",
        "謝秋娘": "憶江南",
        "於中好": "鷓鴣天",
        "于中好": "鷓鴣天",
        "大江東去": "念奴嬌",
        "擷芳詞": "釵頭鳳",
        "一翦梅": "一剪梅",
        "鵲踏枝": "蝶戀花",
        "浪淘沙令": "浪淘沙",
    }
    assert {name: find_form(name).name for name in names} == names


def test_tunes_that_were_unknown_are_known() -> None:
    for name, size in (("雨霖鈴", 103), ("揚州慢", 98), ("釵頭鳳", 60), ("戚氏", 212)):
        assert tunes()[name].size == size


def test_a_shape_is_found_by_its_number_in_the_book() -> None:
    assert find_form("聲聲慢·格十三").tune is tunes()["聲聲慢·格十三"]
    usual = tunes()["臨江仙"]
    assert find_form(f"臨江仙{usual.number}").tune is usual
    assert find_tune("臨江仙·格九十九") is None


def test_the_lines_of_a_text_stay_as_they_are_divided() -> None:
    form = find_form("念奴嬌·格二")
    lines = form.layout(0).cut(ci(tunes()["念奴嬌·格二"]))
    at = next(n for n, line in enumerate(lines) if len(line) == 5 and n > 9)
    moved = [*lines[:at], lines[at][:4], lines[at][4] + lines[at + 1], *lines[at + 2 :]]
    verdict = check("，".join(moved), form="念奴嬌·格二")
    assert verdict.lines == tuple(moved)
    assert verdict.ok


def test_a_pause_needs_no_mark() -> None:
    tune = tunes()["採桑子·格二"]
    assert tune.lines[3].mark == "、"
    lines = find_form(tune.name).layout(0).cut(ci(tune))
    joined = [*lines[:3], lines[3] + lines[4], *lines[5:8], lines[8] + lines[9]]
    assert tune.moved(ends_of(joined)) == 0


def test_words_that_a_tune_repeats_are_found_in_reverse() -> None:
    tune = tunes()["調笑令"]
    ends = tune.ends
    assert tune.echoes[ends[5] - 1] == ends[4] - 2
    assert tune.echoes[ends[5] - 2] == ends[4] - 1
    text = PIECES["調笑令"]
    verdict = check(text.replace("長仄。長仄", "仄質。仄質"), form="調笑令")
    assert "疊句" in {fault.rule for fault in verdict.violations}


def test_customary_rhymes_mix_parts_that_poets_mix() -> None:
    text = PIECES["浣溪沙"]
    for old, new in zip("東同風宮紅", "庚明真生青", strict=True):
        text = text.replace(old, new)
    assert check(text, form="浣溪沙").ok
    strict = check(text, form="浣溪沙", level="strict")
    assert [(fault.rule, fault.line) for fault in strict.violations] == [("出韻", 3)]


def test_a_preface_is_no_verse() -> None:
    preface = "丙寅中秋，飲於江樓，大醉而歸，因作此篇。"
    text = f"水調歌頭\n{preface}\n" + "，".join(
        find_form("水調歌頭").layout(0).cut(ci(tunes()["水調歌頭"]))
    )
    verdict = check(text + "。")
    assert (verdict.form, verdict.ok) == ("水調歌頭", True)
    left_out = [note.cause["has"] for note in verdict.notes if note.cause["code"] == "left_out"]
    assert left_out == [["水調歌頭", preface]]


def test_a_preface_between_blank_lines_is_no_verse() -> None:
    preface = "丙寅中秋，飲於江樓，大醉而歸，因作此篇。"
    lines = find_form("水調歌頭").layout(0).cut(ci(tunes()["水調歌頭"]))
    stanzas = ["，".join(lines[:10]) + "。", "，".join(lines[10:]) + "。"]
    (poem,) = poems_in("\n\n".join(["水調歌頭", preface, *stanzas]))
    assert check(poem).ok


def test_a_line_rhymes_in_the_part_of_most_others_or_in_one_group_of_two_parts() -> None:
    """杯 and 徊 are of another part than 臺 and 來, and all of them are of 灰."""
    lines = find_form("浣溪沙").layout(0).cut(ci(tunes()["浣溪沙"]))
    feet = iter("杯臺徊來魁")
    mixed = [line[:-1] + (next(feet) if line.endswith("東") else line[-1]) for line in lines]
    assert check("，".join(mixed)).ok
    mixed[0] = mixed[0][:-1] + "中"
    assert {each.rule for each in check("，".join(mixed)).violations} == {"出韻"}
    lines[2] = lines[2][:-1] + "陽"
    verdict = check("，".join(lines))
    assert (verdict.form, verdict.rhyme) == ("浣溪沙", "第一部")
    assert [(each.rule, each.line) for each in verdict.violations] == [("出韻", 3)]


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
