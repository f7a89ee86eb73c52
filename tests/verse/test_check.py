import json
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pingze.errors import InputError
from pingze.verse import Verdict, check
from pingze.verse.forms import FORMS
from pingze.verse.patterns import STRICTNESSES
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.tones import groups, tone
from tests.verse import reference
from tests.verse.writing import LEVELS as LEVEL_CHARACTERS
from tests.verse.writing import OBLIQUES, RHYMES, write

SHAPES = {"五絕": (5, 4), "七絕": (7, 4), "五律": (5, 8), "七律": (7, 8), "五排": (5, 12), "七排": (7, 10)}


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
    changed = lines[number][:place] + other + lines[number][place + 1 :]
    return [*lines[:number], changed, *lines[number + 1 :]]


def test_the_characters_to_write_with_have_one_tone() -> None:
    assert {tone(character) for character in LEVEL_CHARACTERS + RHYMES} == {LEVEL}
    assert {tone(character) for character in OBLIQUES} == {OBLIQUE}
    assert {groups(character) for character in RHYMES} == {frozenset("東")}


@pytest.mark.parametrize("level", STRICTNESSES)
@pytest.mark.parametrize("start", reference.STARTS)
@pytest.mark.parametrize("form", SHAPES)
def test_every_instance_of_a_base_template_passes(form: str, start: str, level: str) -> None:
    for seed in range(5):
        for asked in (form, None):
            verdict = check_tones(base(*SHAPES[form], start, seed), asked, level, start[0].isupper())
            assert verdict.ok, verdict
            assert (verdict.form, verdict.rhyme) == (form, "東")


@pytest.mark.parametrize("level", STRICTNESSES)
@pytest.mark.parametrize("start", reference.STARTS)
@pytest.mark.parametrize("form", SHAPES)
def test_a_turned_tone_is_found_in_its_place(form: str, start: str, level: str) -> None:
    width, count = SHAPES[form]
    lines = base(width, count, start, seed=count)
    for number in range(count):
        for place in [*range(1, width - 1, 2), width - 1]:
            if (number, place) == (0, width - 1):
                continue  # where the first line ends decides whether it rhymes
            verdict = check_tones(turn(lines, number, place), form, level, start[0].isupper())
            places = [(violation.line, violation.position) for violation in verdict.violations]
            assert places == [(number + 1, place + 1)], verdict


@settings(max_examples=500)
@given(st.data())
def test_it_judges_as_the_rule_table_does(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(sorted(SHAPES)))
    width, count = SHAPES[form]
    lines = base(width, count, data.draw(st.sampled_from(reference.STARTS)), data.draw(st.integers(0, 99)))
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
    assert json.loads(json.dumps(verdict.as_json())).keys() == {
        *("ok", "judged", "form", "template", "rhyme", "level", "standard"),
        *("kinds", "lines", "violations", "notes", "doubts", "read"),
    }
    for violation in verdict.violations:
        assert verdict.lines[violation.line - 1][violation.position - 1] == violation.char


@pytest.mark.parametrize("text", ["山" * 350_000, "山水月花東，" * 50_000, "山\n" * 100_000, "(" * 300_000])
def test_a_megabyte_is_checked(text: str) -> None:
    check(text)


QUATRAIN = "仄仄平平仄，平平仄仄{}。平平平仄仄，仄仄仄平{}。"
GOOD = QUATRAIN.format("東", "同")
OBLIQUE_RHYME = "平平仄仄平，仄仄平平月。平平平仄平，仄仄平平雪。"
PROSE = "今天天氣真正好，我們大家去公園。公園裏面有花草，小鳥唱歌真好聽。"
RARE = "doubt: line 1, character 4: 庭 is read 仄, as in "


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        # The form found, or asked for.
        (GOOD, None, {"form": "五絕", "ok": True, "judged": "tones and rhyme"}),
        (GOOD, "五古", {"form": "五古", "template": None, "ok": True}),
        (OBLIQUE_RHYME, None, {"form": "五古", "ok": True, "judged": "rhyme"}),
        (OBLIQUE_RHYME, "五絕", {"ok": False}),
        (PROSE, None, {"form": None, "ok": False, "judged": "nothing"}),
        (PROSE[:7], None, {"form": None}),
        # Another shape than the form's.
        (GOOD, "五律", {"form": "五律", "faults": ["句數 5.1 "], "judged": "shape"}),
        (GOOD, "五排", {"faults": ["句數 5.1 "]}),
        (GOOD, "七絕", {"faults": [f"字數 {line}.6 " for line in range(1, 5)], "judged": "shape"}),
        (GOOD + "天", "五絕", {"faults": ["字數 5.2 ", "句數 5.1 天"]}),
        # One character too few, or no rhyme: the nearest form is named.
        (
            "仄仄平平仄，平平仄東。平平平仄仄，仄仄仄平同。",
            None,
            {
                "form": "五絕",
                "faults": ["字數 2.5 "],
                "judged": "shape",
                "note": "line 2 has 4 characters, not 5",
            },
        ),
        (PROSE, None, {"form": None, "note": "nearest is 七絕, which it does not fit in"}),
        # No form: what the text is.
        ("", None, {"judged": "nothing", "note": "no line of verse was found"}),
        (
            "日月山川，日月山川。" * 2,
            None,
            {"judged": "nothing", "note": "number of lines: 4, characters in each: 4 (四言)"},
        ),
        ("日月山，日月山川。", None, {"note": "number of lines: 2, characters in each: 3–4 (雜言)"}),
        ("日月山川天", None, {"note": "number of lines: 1, characters in each: 5 (五言)"}),
        # Some reading must fit; an unknown character fits anything.
        ("看仄平平仄，平平仄仄東。平平平仄仄，看仄仄平同。", None, {"ok": True}),
        ("仄看平平仄，平看仄仄東。平平平仄仄，仄仄仄平同。", None, {"ok": True}),
        ("仄□平□仄，平□仄□□。平□平仄仄，仄仄□平同。", None, {"ok": True, "note": "no reading known: □"}),
        (
            "仄仄平平仄，平平仄仄东。平平平后发，仄仄仄平同。",
            None,
            {"ok": True, "note": "read by their neighbours: 后→後, 发→發"},
        ),
        # A rare reading is relied on only where no other fits: 庭 is oblique in 5 of 928 places.
        ("平平庭仄仄，仄仄仄平東。仄仄平平仄，平平仄仄同。", None, {"ok": True, "without": "doubt"}),
        ("仄平仄庭仄，仄仄仄平東。仄仄平平仄，平平仄仄同。", None, {"ok": True, "note": RARE}),
        # 重 is level and oblique and rhymes with nothing here: the first line is read as unrhymed.
        (
            "仄仄仄平重，平平仄仄天。平平平仄仄，仄仄仄平年。",
            None,
            {"template": "仄起首句不入韻", "ok": True},
        ),
        # 逢 and 摐 are both in 冬 and in 江; only 江 lends a first line the rhyme 邙 of 陽.
        ("高臺有大邙，重景不堪逢。止遂知音力，心無只必摐。", None, {"rhyme": "江", "ok": True}),
        # Rhymes that do not match, and those that are rare, borrowed or of one word.
        (
            QUATRAIN.format("流", "天"),
            None,
            {
                "rhyme": "尤",
                "faults": ["出韻 4.5 天"],
                "note": "any may be the wrong one (in brackets the lines): 流 (2), 天 (4)",
            },
        ),
        (
            QUATRAIN.format("東", "同") + QUATRAIN.format("紅", "冬"),
            None,
            {"faults": ["出韻 8.5 冬"], "note": "孤雁出群: the last line"},
        ),
        (QUATRAIN.format("東", "同") + QUATRAIN.format("紅", "天"), None, {"without": "孤雁"}),
        (QUATRAIN.format("堤", "詩"), None, {"ok": True, "note": "rare rhyme: 堤 in 支, line 2 (1 of its "}),
        (
            "仄仄仄平僧，平平仄仄聲。平平平仄仄，仄仄仄平情。",
            None,
            {"ok": True, "note": "鄰韻: line 1 rhymes in 蒸, a neighbour of 庚 (孤雁入群), from which"},
        ),
        (
            QUATRAIN.format("遊", "游"),
            None,
            {"ok": True, "note": "重韻: 遊 and 游 are forms of one word (lines 2, 4)"},
        ),
        # Named forms and licences.
        (
            "仄仄平平仄，平平仄仄東。仄仄平平仄，平平仄仄同。",
            None,
            {"faults": ["失黏 3.2 仄"], "note": "折腰體"},
        ),
        (QUATRAIN.format("東", "冬") + QUATRAIN.format("同", "鍾"), None, {"note": "進退格"}),
        (QUATRAIN.format("東", "同") + QUATRAIN.format("冬", "鍾"), None, {"note": "轆轤格"}),
        ("月月月月月，" * 4, None, {"form": None, "judged": "nothing"}),
        # Quatrains of old-style verse have a name, and come first unless there is one fault.
        (
            "平平平仄東，仄仄仄仄同。仄平仄平仄，平平仄仄紅。",
            None,
            {"form": "五古", "ok": True, "note": "as 五絕 it has 2 faults (失對 2.4, 失黏 3.2)"},
        ),
        (
            "仄仄平仄仄，平平仄仄東。平平平仄仄，仄仄仄平同。",
            None,
            {"form": "五絕", "faults": ["大拗 1.4 仄"], "note": "as old-style verse (五古) it has no fault"},
        ),
        ("平平仄平月，仄仄平平雪。平平平仄平，仄仄平平絕。", None, {"form": "五古", "note": "古絕"}),
        ("平平平仄仄，仄仄平平月。仄仄仄平平，平平平仄雪。", None, {"form": "五古", "note": "仄韻律絕"}),
        ("平平仄仄平，仄仄平平月。仄平仄仄平，仄仄平平雪。", None, {"form": "五古", "note": "古絕"}),
        ("平平平平平，平平平平東。平平平平平，平平平平同。", None, {"form": "五古", "note": "古絕"}),
    ],
)
def test_the_verdict_on_a_poem(text: str, form: str | None, expected: dict[str, object]) -> None:
    verdict = check(text, form=form)
    notes = "\n".join((*verdict.doubts, *verdict.notes))
    assert str(expected.pop("note", "")) in notes
    assert str(expected.pop("without", "no such note")) not in notes
    faults = [f"{each.rule} {each.line}.{each.position} {each.char}" for each in verdict.violations]
    found = {**verdict.as_json(), "faults": faults}
    assert {name: found[name] for name in expected} == expected, verdict


def test_a_violation_names_rule_place_character_and_readings() -> None:
    verdict = check("仄仄平平仄，仄平仄仄東。平平平仄仄，仄仄仄平同。")
    assert verdict.as_json()["violations"] == (
        {"rule": "孤平", "line": 2, "position": 1, "char": "仄", "readings": ("入職",)},
    )


def test_a_rare_reading_names_the_rule_that_the_line_breaks_without_it() -> None:
    (note,) = check("仄平仄庭仄，仄仄仄平東。仄仄平平仄，平平仄仄同。").doubts
    assert note.endswith("; else 特拗 at 仄")
    assert note.cause["rule"] == "特拗"


@pytest.mark.parametrize("name", ["七绝", "七絕", "七言絕句", " 七言绝句 "])
def test_forms_have_several_names(name: str) -> None:
    verdict = check_tones(base(7, 4, "DBcD", seed=1), name, "customary", rhymed_first=True)
    assert (verdict.form, verdict.template, verdict.ok) == ("七絕", "平起首句入韻", True)


def test_bad_names_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"八股.*七絕"):
        check("山", form="八股")
    with pytest.raises(InputError, match=r"loose.*customary, strict"):
        check("山", level="loose")


@pytest.mark.parametrize(
    ("feet", "rhyme", "ok"),
    [
        *[("東同弓紅", "東", True), ("東冬同鍾", "東冬", True), ("東同天前", None, True)],
        *[("東同天紅", None, False), ("月雪別絕", "月屑", True), ("東", "東", True)],
    ],
)
def test_old_style_rhyme(feet: str, rhyme: str | None, ok: bool) -> None:
    verdict = check("".join(f"平平仄平仄，平平仄平{foot}。" for foot in feet), form="五古")
    assert verdict.ok == ok
    assert verdict.rhyme == rhyme or not ok


def test_characters_are_shown_as_they_were_written() -> None:
    verdict = check("仄仄平平仄，平平仄仄风。平平平仄发，仄仄仄平东。后", form="五絕")
    assert verdict.lines[1:3] == ("平平仄仄风", "平平平仄发")


def test_words_in_several_lines_are_notes_in_whatever_form() -> None:
    verdict = check("，".join(write(base(5, 4, "aBcD", 0), rhymed_first=False)))
    assert verdict.ok
    assert any(note.startswith("重字: ") for note in verdict.notes)
    notes = check(GOOD.replace("仄仄平平仄", "仄迴平平仄").replace("仄仄仄平", "仄回仄平")).notes
    assert any("迴 回 (1, 4)" in note for note in notes)


def test_fine_notes_are_for_those_who_ask() -> None:
    text = "仄仄中平動，平平仄仄東。平平平仄仄，仄平紅平同。"
    assert not any("韻 (line" in note for note in check(text, form="五絕").notes)
    notes = "\n".join(check(text, form="五絕", fine=True).notes)
    assert "撞韻 (line.character): 動 (1.5)" in notes
    assert "擠韻 (line.character): 紅 (4.3)" in notes
    notes = "\n".join(check("仄仄紅平仄，仄平仄仄東。平平平仄仄，仄仄仄平同。", form="五絕", fine=True).notes)
    assert "冒韻 (line.character): 紅 (1.3)" in notes
    assert "四字目孤平 (line.character): 平 (2.2)" in notes
