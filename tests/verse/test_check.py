import json
import random
import tomllib
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pingze.verse.checking import check, poems_in
from pingze.verse.forms import FORMS
from pingze.verse.patterns import STRICTNESSES
from pingze.verse.suggestions import suggest
from pingze.verse.verdict import Verdict
from tests.verse import reference
from tests.verse.writing import write

SHAPES = {
    "五絕": (5, 4),
    "七絕": (7, 4),
    "五律": (5, 8),
    "七律": (7, 8),
    "五排": (5, 12),
    "七排": (7, 10),
}


def base(width: int, count: int, start: str, seed: int) -> list[str]:
    """The base pattern of each line, its free places filled at random."""
    rng = random.Random(seed)
    prefixes = reference.PREFIX if width == 7 else dict.fromkeys("aBcD", "")
    lines = [prefixes[kind] + reference.BASE[kind] for kind in reference.types(start, count)]
    return ["".join(rng.choice("PZ") if tone == "x" else tone for tone in line) for line in lines]


def check_tones(lines: list[str], form: str | None, level: str, rhymed_first: bool) -> Verdict:
    return check("，".join(write(lines, rhymed_first=rhymed_first)), form=form, level=level)


def turn(lines: list[str], number: int, place: int) -> list[str]:
    other = "Z" if lines[number][place] == "P" else "P"
    return [
        *lines[:number],
        lines[number][:place] + other + lines[number][place + 1 :],
        *lines[number + 1 :],
    ]


@pytest.mark.parametrize("level", STRICTNESSES)
@pytest.mark.parametrize("start", reference.STARTS)
@pytest.mark.parametrize("form", SHAPES)
def test_every_base_template_passes_and_a_turned_tone_is_found_in_its_place(
    form: str, start: str, level: str
) -> None:
    width, count = SHAPES[form]
    for seed in range(5):
        for asked in (form, None):
            verdict = check_tones(base(width, count, start, seed), asked, level, start[0].isupper())
            assert (verdict.ok, verdict.form, verdict.rhyme) == (True, form, "東"), verdict
            assert str(verdict.template).endswith("首句入韻") == start[0].isupper()
    lines = base(width, count, start, seed=count)
    for number, place in product(range(count), [*range(1, width - 1, 2), width - 1]):
        if (number, place) == (0, width - 1):
            continue  # where the first line ends decides whether it rhymes
        verdict = check_tones(turn(lines, number, place), form, level, start[0].isupper())
        places = [(violation.line, violation.position) for violation in verdict.violations]
        assert places == [(number + 1, place + 1)], verdict


def test_two_lines_are_a_couplet_and_lines_with_pauses_are_one_if_asked_or_without_a_fault() -> (
    None
):
    verdict = check("江月随人远，山水照花明")
    faults = [(each.rule, each.line, each.position) for each in verdict.violations]
    assert (verdict.form, verdict.judged, faults) == (
        "對聯",
        "tones",
        [("失對", 2, 2), ("失對", 2, 4)],
    )
    for text in (
        "上聯：{}\n下聯：{}",
        "上联:{}，\n下联:{}。\n\n橫批：山高水遠",
        "橫批：山高水遠\n上聯：{}\n下聯：{}",
    ):
        (text,) = poems_in(text.format("江月随人远", "山水照花明"), form="對聯")
        assert check(text, form="對聯").lines == verdict.lines
    assert len(check("風聲雨聲讀書聲，聲聲入耳；家事國事天下事，事事關心").lines) == 2
    for text in (
        "天對地，雨對風",
        "一" * 12 + "，" + "二" * 12,
        "山月，江風，水花，春天",
        "春風吹綠柳",
    ):
        asked = check(text, form="对联")
        assert (check(text).form, asked.form, asked.ok) == (None, "對聯", False)


@pytest.mark.parametrize(
    ("couplet", "rejecting"),
    [
        ("登樓望秋月，隔水見春山", "customary-本句自救"),  # 特拗
        ("明月照古寺，寒松生遠風", "customary-對句相救"),  # 大拗
    ],
)
def test_a_rescue_of_regulated_verse_holds_in_a_couplet(couplet: str, rejecting: str) -> None:
    assert check(couplet, form="對聯").ok
    (fault,) = check(couplet, form="對聯", level=rejecting).violations
    assert (fault.rule, fault.line, fault.position) == ("失對", 2, 4)


@settings(max_examples=200)
@given(st.data())
def test_it_judges_as_the_rule_table_does(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(sorted(SHAPES)))
    width, count = SHAPES[form]
    lines = base(
        width, count, data.draw(st.sampled_from(reference.STARTS)), data.draw(st.integers(0, 99))
    )
    places = st.tuples(st.integers(0, count - 1), st.integers(0, width - 1))
    for number, place in data.draw(st.lists(places, max_size=5)):
        lines = turn(lines, number, place)
    for level in STRICTNESSES:
        verdict = check_tones(lines, form, level, rhymed_first=True)
        assert verdict.ok == reference.passes(lines, level), (lines, verdict)


@given(st.text(st.characters(), max_size=80))
@example("")
@example("山")
@example("\ud800\udfff" * 5)
@example("😀" * 20)
@example("the quick brown fox")
@example("\ufeff\r\n\r\n")
@example("□□□□□，□□□□□。□□□□□，□□□□□。")
def test_no_text_raises(text: str) -> None:
    assert isinstance(check(text), Verdict)
    for form in FORMS:
        check(text, form=form, level="strict")


@given(st.text(st.sampled_from("山水月花東先看過发后，。\n \u3000□(（》、a\r"), max_size=120))
def test_no_verse_raises_and_every_verdict_is_json(text: str) -> None:
    verdict = check(text)
    names = "ok regulated judged form template rhyme level standard kinds lines violations notes doubts read"
    assert sorted(json.loads(json.dumps(verdict.as_json()))) == sorted(names.split())
    for violation in verdict.violations:
        assert verdict.lines[violation.line - 1][violation.position - 1] == violation.char
    verdict = check("，".join(text[start : start + 5] for start in range(0, 20, 5)), form="五絕")
    for violation in verdict.violations:
        suggest(verdict, violation)


@pytest.mark.parametrize(
    "text", ["山" * 350_000, "山水月花東，" * 50_000, "山\n" * 100_000, "(" * 300_000]
)
def test_a_megabyte_is_checked(text: str) -> None:
    check(text)


POEMS = Path(__file__).with_name("verdicts.toml")


@pytest.mark.parametrize(
    "row", tomllib.loads(POEMS.read_text(encoding="utf-8"))["poem"], ids=lambda row: row["text"]
)
def test_the_verdict_on_a_poem(row: dict[str, Any]) -> None:
    expected = {name: None if value == "none" else value for name, value in row.items()}
    verdict = check(expected.pop("text"), form=expected.pop("asked", None))
    notes = "\n".join((*verdict.doubts, *verdict.notes))
    assert expected.pop("note", "") in notes
    assert expected.pop("without", "no such note") not in notes
    faults = [f"{each.rule} {each.line}.{each.position} {each.char}" for each in verdict.violations]
    found = {**verdict.as_json(), "faults": faults}
    assert {name: found[name] for name in expected} == expected, verdict


def test_a_violation_names_rule_place_character_and_readings() -> None:
    verdict = check("仄仄平平仄，仄平仄仄风。平平平仄发，仄仄仄平同。")
    assert verdict.lines[1:3] == ("仄平仄仄风", "平平平仄发")  # as they were written
    assert verdict.as_json()["violations"] == (
        {"rule": "孤平", "line": 2, "position": 1, "char": "仄", "readings": ("入職",)},
    )
    (note,) = check("仄平仄庭仄，仄仄仄平東。仄仄平平仄，平平仄仄同。").doubts
    # the rule that the line breaks without the rare reading
    assert note.endswith("; else 特拗 at 仄")
    assert note.cause["rule"] == "特拗"


@pytest.mark.parametrize(
    ("feet", "rhyme", "ok"),
    [
        ("東同弓紅", "東", True),
        ("東冬同鍾", "東冬", True),
        ("東同天前", None, True),
        ("東同天紅", None, False),
        ("月雪別絕", "月屑", True),
        ("東", "東", True),
    ],
)
def test_old_style_rhyme(feet: str, rhyme: str | None, ok: bool) -> None:
    verdict = check("".join(f"平平仄平仄，平平仄平{foot}。" for foot in feet), form="五古")
    assert verdict.ok == ok
    assert verdict.rhyme == rhyme or not ok


def test_words_in_several_lines_are_notes_in_whatever_form() -> None:
    verdict = check("，".join(write(base(5, 4, "aBcD", 0), rhymed_first=False)))
    assert verdict.ok
    assert any(note.startswith("重字: ") for note in verdict.notes)
    verdict = check("仄迴平平仄，平平仄仄東。平平平仄仄，仄回仄平同。")
    (note,) = (note for note in verdict.notes if note.cause["code"] == "repeated")
    assert "迴 回 (lines 1, 4)" in note.text("en")
    assert "迴 回（第 1、4 句）" in note.text("zh")


def test_fine_notes_are_for_those_who_ask() -> None:
    text = "仄仄中平動，平平仄仄東。平平平仄仄，仄平紅平同。"
    assert not any("韻 (line" in note for note in check(text, form="五絕").notes)
    notes = "\n".join(check(text, form="五絕", fine=True).notes)
    assert "撞韻 (line.character): 動 (1.5)" in notes
    assert "擠韻 (line.character): 紅 (4.3)" in notes
    notes = "\n".join(
        check("仄仄紅平仄，仄平仄仄東。平平平仄仄，仄仄仄平同。", form="五絕", fine=True).notes
    )
    assert "冒韻 (line.character): 紅 (1.3)" in notes
    assert "四字目孤平 (line.character): 平 (2.2)" in notes


def test_untitled_poems_of_one_width_are_known_by_their_rhymes() -> None:
    first = write(["ZZPPZ", "PPZZP", "PPPZZ", "ZZZPP"], rhymed_first=False)
    second = ["月下風來晚", "山中客樂生", "花開人未去", "酒盡月還清"]
    both = "\n".join([*first, *second])
    assert poems_in(both) == ["\n".join(first), "\n".join(second)]
    assert poems_in(both, form="五律") == [both]
    titled = f"夜思\n{both}"
    assert poems_in(titled) == [titled]
    one = "\n".join([*first, second[0], "山中客樂紅", second[2], "酒盡月還東"])
    assert poems_in(one) == [one]
    slip = both.replace("酒盡", "酒聲")
    assert poems_in(slip) == [slip]
    found = [[note.cause["code"] for note in check(text).notes] for text in (slip, titled, one)]
    assert ["several_poems" in each for each in found] == [True, True, False]
