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
def test_a_turned_tone_is_found_where_it_stands(form: str, start: str, level: str) -> None:
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
        *("ok", "judged", "form", "template", "rhyme", "level", "lines", "violations", "notes")
    }
    for violation in verdict.violations:
        assert verdict.lines[violation.line - 1][violation.position - 1] == violation.char


@pytest.mark.parametrize("text", ["山" * 350_000, "山水月花東，" * 50_000, "山\n" * 100_000, "(" * 300_000])
def test_a_megabyte_is_checked(text: str) -> None:
    check(text)


def test_a_violation_names_rule_place_character_and_readings() -> None:
    verdict = check("仄仄平平仄，仄平仄仄東。平平平仄仄，仄仄仄平同。")
    assert verdict.as_json()["violations"] == (
        {"rule": "孤平", "line": 2, "position": 1, "char": "仄", "readings": ("入職",)},
    )


def test_the_form_asked_for_is_kept() -> None:
    verdict = check("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平同。", form="五古")
    assert (verdict.form, verdict.template, verdict.ok) == ("五古", None, True)


@pytest.mark.parametrize("name", ["七绝", "七絕", "七言絕句", " 七言绝句 "])
def test_forms_have_several_names(name: str) -> None:
    lines = base(7, 4, "DBcD", seed=1)
    verdict = check_tones(lines, name, "customary", rhymed_first=True)
    assert (verdict.form, verdict.template, verdict.ok) == ("七絕", "平起首句入韻", True)


def test_bad_names_are_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"八股.*七絕"):
        check("山", form="八股")
    with pytest.raises(InputError, match=r"loose.*customary, strict"):
        check("山", level="loose")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("", "no line of verse was found"),
        ("日月山川，日月山川。日月山川，日月山川。", "4 lines of 4 characters (四言)"),
        ("日月山，日月山川。", "2 lines of 3–4 characters (雜言)"),
        ("日月山川天", "one line of 5 characters (五言)"),
    ],
)
def test_another_shape_is_described(text: str, note: str) -> None:
    verdict = check(text)
    assert (verdict.form, verdict.ok, verdict.judged, verdict.notes[0]) == (None, False, "nothing", note)
    assert verdict.notes[1].startswith("fits no form")


@pytest.mark.parametrize(
    ("form", "rules"),
    [("五律", [("句數", 5)]), ("七絕", [("字數", line) for line in range(1, 5)]), ("五排", [("句數", 5)])],
)
def test_a_form_of_another_shape_is_a_fault(form: str, rules: list[tuple[str, int]]) -> None:
    verdict = check("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平同。", form=form)
    assert verdict.form == form
    assert [(violation.rule, violation.line) for violation in verdict.violations] == rules


def test_a_line_too_many_is_a_fault_at_its_head() -> None:
    verdict = check("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平同。天", form="五絕")
    assert [(v.rule, v.line, v.position, v.char) for v in verdict.violations] == [
        ("字數", 5, 2, ""),
        ("句數", 5, 1, "天"),
    ]


def test_oblique_rhyme_is_old_style() -> None:
    verdict = check("平平仄仄平，仄仄平平月。平平平仄平，仄仄平平雪。")
    assert (verdict.form, verdict.ok) == ("五古", True)
    assert not check("平平仄仄平，仄仄平平月。平平平仄平，仄仄平平雪。", form="五絕").ok


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


def test_some_reading_must_fit() -> None:
    level, oblique = (
        "看仄平平仄，平平仄仄東。平平平仄仄，看仄仄平同。",
        "仄看平平仄，平看仄仄東。平平平仄仄，仄仄仄平同。",
    )
    assert check(level).ok
    assert check(oblique).ok


def test_an_unknown_character_fits_anything() -> None:
    verdict = check("仄□平□仄，平□仄□□。平□平仄仄，仄仄□平同。")
    assert verdict.ok
    assert "no reading known: □" in verdict.notes


def test_simplified_characters_are_read_as_traditional() -> None:
    verdict = check("仄仄平平仄，平平仄仄风。平平平仄发，仄仄仄平东。后", form="五絕")
    assert verdict.lines[1] == "平平仄仄风"
    verdict = check("仄仄平平仄，平平仄仄东。平平平后发，仄仄仄平同。")
    assert verdict.ok
    assert "read by their neighbours: 后→後, 发→發" in verdict.notes
    assert verdict.lines[2] == "平平平后发"


def test_repeated_characters_are_notes() -> None:
    verdict = check("，".join(write(base(5, 4, "aBcD", 0), rhymed_first=False)))
    assert verdict.ok
    assert any(note.startswith("重字: ") for note in verdict.notes)


def test_the_first_line_rhymes_only_where_it_can() -> None:
    # 重 is level and oblique; here it rhymes with nothing, so the line must be read as unrhymed.
    verdict = check("仄仄仄平重，平平仄仄天。平平平仄仄，仄仄仄平年。")
    assert groups("重") == {"冬", "腫", "宋"}
    assert (verdict.template, verdict.ok) == ("仄起首句不入韻", True)


def test_of_equal_groups_the_one_from_which_the_first_line_borrows_is_the_rhyme() -> None:
    """逢 and 摐 are both in 冬 and in 江; only 江 lends a first line the rhyme 邙 of 陽."""
    verdict = check("高臺有大邙，重景不堪逢。止遂知音力，心無只必摐。")
    assert verdict.ok
    assert verdict.rhyme == "江"


def test_prose_of_a_form_s_shape_fits_no_form() -> None:
    verdict = check("今天天氣真正好，我們大家去公園。公園裏面有花草，小鳥唱歌真好聽。")
    assert (verdict.form, verdict.ok, verdict.judged) == (None, False, "nothing")
    assert "half of the even lines or more do not rhyme" in verdict.notes[1]
    assert check(verdict.lines[0]).form is None


@pytest.mark.parametrize(
    ("text", "form", "judged"),
    [
        ("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平同。", None, "tones and rhyme"),
        ("平平仄仄平，仄仄平平月。平平平仄平，仄仄平平雪。", None, "rhyme"),
        ("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平同。", "七絕", "shape"),
    ],
)
def test_what_was_judged_is_told(text: str, form: str | None, judged: str) -> None:
    verdict = check(text, form=form)
    assert verdict.judged == verdict.as_json()["judged"] == judged
    assert verdict.as_json()["ok"] is verdict.ok


def test_a_wrong_last_character_leaves_both_rhymes_under_suspicion() -> None:
    verdict = check("仄仄平平仄，平平仄仄流。平平平仄仄，仄仄仄平天。")
    assert (verdict.form, verdict.rhyme) == ("五絕", "尤")
    assert [(v.rule, v.line, v.char) for v in verdict.violations] == [("出韻", 4, "天")]
    assert verdict.notes[0].startswith("出韻: these do not rhyme")
    assert verdict.notes[0].cause["has"] == ["流 (2)", "天 (4)"]


def test_a_last_rhyme_in_a_neighbouring_group_has_a_name() -> None:
    lines = "仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平同。仄仄平平仄，平平仄仄紅。平平平仄仄，仄仄仄平{}。"
    assert check(lines.format("冬")).notes[0].startswith("孤雁出群: the last line")
    assert [v.rule for v in check(lines.format("冬")).violations] == ["出韻"]
    assert not any(note.startswith("孤雁") for note in check(lines.format("天")).notes)


def test_a_rare_reading_that_is_relied_on_is_told() -> None:
    """庭 is oblique in 5 of 928 places; level it makes of the line a 特拗 whose first character is not level."""
    verdict = check("仄平仄庭仄，仄仄仄平東。仄仄平平仄，平平仄仄同。")
    assert verdict.ok
    (note,) = (note for note in verdict.notes if note.startswith("rare reading"))
    assert note.startswith("rare reading: line 1, character 4: 庭 is read 仄, as in ")
    assert note.endswith("; else 特拗 at 仄")
    assert note.cause["rule"] == "特拗"


def test_among_readings_the_attested_one_is_taken() -> None:
    verdict = check("平平庭仄仄，仄仄仄平東。仄仄平平仄，平平仄仄同。")
    assert verdict.ok
    assert not any(note.startswith("rare reading") for note in verdict.notes)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("平平仄仄仄，仄仄平平月。仄平平仄平，平仄平平雪。", "仄韻律絕"),
        ("平平仄仄平，仄仄平平月。仄平仄仄平，仄仄平平雪。", "古絕"),
        ("平平平平平，平平平平東。平平平平平，平平平平同。", "古絕"),
    ],
)
def test_quatrains_of_old_style_have_a_name(text: str, name: str) -> None:
    verdict = check(text)
    assert (verdict.form, verdict.ok) == ("五古", True)
    assert name in [note.cause.get("name") for note in verdict.notes]
