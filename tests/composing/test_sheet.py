"""Sheets: what is written, kept and blank, and what a request reads from them."""

from dataclasses import replace

import numpy as np
import pytest

from pingze.composing.composer import Composer
from pingze.composing.desk import fill
from pingze.composing.poem import Poem
from pingze.composing.read_request import read_request
from pingze.composing.sheet import BLANK, Limit, Sheet
from pingze.errors import InfeasibleError, InputError, UnfinishedError
from pingze.verse.standard import PINGSHUI
from tests.composing.verse import POOL, composer, prepared

CHOSEN = composer(seed=6)
LEVELS = [one for one in POOL if PINGSHUI.tone(one) == "平"]
OBLIQUES = [one for one in POOL if PINGSHUI.tone(one) == "仄"]


@pytest.fixture(autouse=True)
def _random_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("composer", "desk"):
        monkeypatch.setattr(f"pingze.composing.{name}.load_composer", lambda *_, **__: CHOSEN)


def fixed_by(sheet: Sheet, chosen: Composer = CHOSEN) -> set[tuple[str, int, int, str]]:
    fixed = read_request(chosen.vocabulary, sheet).fixed
    return {(fix.option, fix.line, fix.position, fix.character) for fix in fixed}


def test_absent_lines_are_blank() -> None:
    assert Sheet(form="五絕", lines=["春月"[0] * 5]).rows == ["春春春春春"] + [BLANK * 5] * 3


def test_every_sign_of_a_blank_is_read() -> None:
    assert Sheet(form="五絕", lines=["_月＿?*"]).rows[0] == "＿月＿＿＿"


def test_a_line_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="line 2, 春月, has 2 characters; a line has 5"):
        _ = Sheet(form="五絕", lines=["", "春月"]).rows


def test_more_lines_than_the_form_has_are_refused() -> None:
    with pytest.raises(InputError, match="lines has 5 lines; give 4 at most"):
        _ = Sheet(form="五絕", lines=[""] * 5).rows


def test_a_number_of_lines_may_be_given_instead() -> None:
    assert Sheet(form="五排", lines=12).rows == [BLANK * 5] * 12


def test_the_lines_of_old_style_verse_are_as_many_as_are_given() -> None:
    assert Sheet(form="五古", lines=["", "", "", ""]).count_of_lines == 4


def test_what_is_put_stands_and_what_is_kept_may_not_change() -> None:
    sheet = Sheet(form="五絕").put(1, "春＿＿＿＿").keep(3, "＿月＿＿＿")
    assert fixed_by(sheet) == {("lines", 1, 1, "春"), ("kept", 3, 2, "月")}


def test_a_line_that_stands_is_kept_without_its_text() -> None:
    assert fixed_by(Sheet(form="五絕").put(2, "＿月＿＿＿").keep(2)) == {("kept", 2, 2, "月")}


def test_what_is_freed_is_blank_and_remembered() -> None:
    sheet = Sheet(form="五絕").keep(2, "春月花山風").free(2, 2, 3)
    assert sheet.rows[1] == "春＿＿山風"
    assert {fix.character for fix in read_request(CHOSEN.vocabulary, sheet).was} == {"月", "花"}


def test_a_place_outside_the_line_is_refused() -> None:
    with pytest.raises(InputError, match="character 6 is not in a line, which has 5"):
        Sheet(form="五絕").free(1, 6)


def test_a_sheet_shows_its_lines() -> None:
    assert (
        str(Sheet(form="五絕").put(1, "春＿＿＿＿")).splitlines()[0] == "春＿＿＿＿，＿＿＿＿＿。"
    )


def test_a_sheet_of_a_poem_has_its_form_and_wishes() -> None:
    poem = Poem("五絕", None, "東", "春山", None, 0, "", ["春月花山風"] * 4, 0.0)
    sheet = Sheet.of(poem, title="江月")
    assert (sheet.form, sheet.rhyme, sheet.title, sheet.rows) == ("五絕", "東", "江月", poem.lines)


def test_a_choice_is_one_of_its_characters() -> None:
    sheet = Sheet(form="五絕", pattern=f"＿＿[{''.join(LEVELS[:3])}]＿＿", particles=8)
    drafts = fill(sheet, 6, seed=1)
    assert {draft.lines[0][2] for draft in drafts} <= set(LEVELS[:3])


def test_choices_alone_give_every_way_to_decide_them() -> None:
    (poem,) = fill(Sheet(form="五絕", particles=8), seed=1)
    spare = [one for one in LEVELS + OBLIQUES if one not in "".join(poem.lines)]
    tone = PINGSHUI.tone(poem.lines[2][1])
    options = [one for one in spare if PINGSHUI.tone(one) == tone][:4]
    limit = Limit(line=3, position=2, characters="".join(options))
    sheet = replace(Sheet.of(poem).free(3, 2, 2), was=[], choices=[limit])
    with pytest.warns(UserWarning, match="4 of 10 drafts"):
        drafts = fill(sheet, 10)
    assert {draft.lines[2][1] for draft in drafts} == set(options)


def test_a_choice_that_no_poem_can_have_is_named() -> None:
    sheet = Sheet(form="五絕", rhyme="東", pattern=f"＿＿＿＿＿ ＿＿＿＿[{''.join(OBLIQUES[:2])}]")
    with pytest.raises(InfeasibleError, match=f"one of {''.join(OBLIQUES[:2])} at line 2"):
        fill(sheet)


def test_a_choice_clashes_with_an_acrostic_of_another_character() -> None:
    sheet = Sheet(
        form="五絕", acrostic="春", choices=[Limit(line=1, position=1, characters="山月")]
    )
    with pytest.raises(InfeasibleError, match="give up one of 山月 at line 1, character 1"):
        fill(sheet)


def test_a_choice_needs_a_position() -> None:
    with pytest.raises(InputError, match=r"choices.position: this field is required"):
        fill(Sheet(form="五絕", choices=[Limit(line=1, characters="山月")]))


def test_a_choice_has_no_character_that_is_excluded_from_its_place() -> None:
    choice = Limit(line=1, position=1, characters="".join(LEVELS[:8]))
    unwanted = Limit(line=1, characters="".join(LEVELS[1:8]))
    sheet = Sheet(form="五絕", choices=[choice], exclude_at=[unwanted], particles=2)
    assert {fill(sheet, seed=seed)[0].lines[0][0] for seed in range(4)} == {LEVELS[0]}


def test_an_acrostic_decides_a_choice_of_its_character() -> None:
    limit = Limit(line=1, position=1, characters="山春")
    (poem,) = fill(Sheet(form="五絕", acrostic="春", choices=[limit], particles=8))
    assert poem.lines[0][0] == "春"


@pytest.mark.parametrize("repeat", [False, True])
def test_two_choices_for_a_place_leave_what_both_have(repeat: bool) -> None:
    tone = PINGSHUI.tone("山")
    level = [one for one in POOL if PINGSHUI.tone(one) == tone and one != "山"][:2]
    limits = [Limit(line=1, position=1, characters=f"{other}山") for other in level]
    sheet = Sheet(form="五絕", choices=limits, repeat=repeat, particles=8)
    assert {fill(sheet, seed=seed)[0].lines[0][0] for seed in range(4)} == {"山"}


def test_a_simplified_character_is_excluded_from_a_line_in_all_its_forms() -> None:
    sheet = Sheet(form="五絕", exclude_at=[Limit(line=1, characters="发")])
    (limit,) = read_request(CHOSEN.vocabulary, sheet).exclude_at
    assert set(limit.characters) == set("发發髮")


def test_a_character_is_excluded_from_one_line_only() -> None:
    without = Sheet(form="五絕", particles=8, repeat=True, temperature=2.0)
    first = {c for seed in range(8) for c in fill(without, seed=seed)[0].lines[0]}
    limit = Limit(line=1, characters="".join(sorted(first))[:8])
    poems = [fill(replace(without, exclude_at=[limit]), seed=seed)[0] for seed in range(8)]
    assert not set(limit.characters) & {c for poem in poems for c in poem.lines[0]}
    assert set(limit.characters) & {c for poem in poems for line in poem.lines[1:] for c in line}


@pytest.mark.parametrize("open_lines", [{3, 4}, {7, 8}])
def test_a_word_stands_in_the_lines_from_which_it_is_not_excluded(open_lines: set[int]) -> None:
    limits = [Limit(line=n, characters="月") for n in set(range(1, 9)) - open_lines]
    sheet = Sheet(form="五律", include="月", exclude_at=limits, repeat=True, particles=8)
    for seed in range(4):
        (poem,) = fill(sheet, seed=seed)
        assert {n for n, line in enumerate(poem.lines, 1) if "月" in line} <= open_lines
        assert "月" in "".join(poem.lines)


def test_a_word_that_is_excluded_from_every_line_is_named() -> None:
    limits = [Limit(line=n, characters="月") for n in range(1, 5)]
    with pytest.raises(InfeasibleError, match="give up including 月"):
        fill(Sheet(form="五絕", include="月", exclude_at=limits))


@pytest.mark.parametrize("standing", ["", "＿＿＿{}＿"])
def test_an_excluded_word_is_not_written(standing: str) -> None:
    (poem,) = fill(Sheet(form="五絕", particles=8), seed=1)
    word = poem.lines[0][2:4]
    lines = [standing.format(word[1])] if standing else []
    sheet = Sheet(form="五絕", lines=lines, exclude_words=word, particles=8)
    for seed in range(6):
        assert not any(word in line for line in fill(sheet, seed=seed)[0].lines)


@pytest.mark.parametrize("word", ["雲煙", "雲烟"])
def test_an_excluded_word_is_not_written_in_other_forms(word: str) -> None:
    chosen = composer(POOL + "烟", seed=6)
    after = {}
    for excluded in ("", word):
        starts = prepared(chosen, pattern="雲＿＿＿＿", exclude_words=excluded)
        begun = starts.draw(1, np.random.default_rng(0)).partial_texts
        ((mask,), _) = starts.constraints.allowed(begun, 1)
        after[excluded] = set(chosen.vocabulary.decode(np.flatnonzero(mask)))
    assert after[""] - after[word] == {"煙", "烟"}


def test_an_excluded_character_alone_is_a_word_too() -> None:
    (poem,) = fill(Sheet(form="五絕", particles=8), seed=1)
    one = poem.lines[0][0]
    (other,) = fill(Sheet(form="五絕", particles=8, exclude_words=one), seed=1)
    assert one not in "".join(other.lines)


def test_simplified_text_is_read_in_context() -> None:
    sheet = Sheet(form="五絕", lines=["独坐寒窗下"])
    chosen = composer(f"{POOL}獨坐寒窗下", seed=6)
    with pytest.warns(UserWarning, match="独 was read as 獨"):
        fixed = fixed_by(sheet, chosen)
    assert ("lines", 1, 1, "獨") in fixed


def test_a_line_that_is_kept_may_have_choices() -> None:
    sheet = Sheet(form="五絕").keep(3, "春＿，[月花]山[風雲]")
    assert sheet.rows[2] == "春＿＿山＿"
    assert sheet.choices == [
        Limit(line=3, position=3, characters="月花"),
        Limit(line=3, position=5, characters="風雲"),
    ]


def test_another_text_of_a_line_has_no_choice_of_the_one_before() -> None:
    sheet = Sheet(form="五絕").put(3, "春＿[月花]山風").put(3, "春＿月山風").put(2, "[月花]")
    assert [limit.line for limit in sheet.choices] == [2]


def test_a_single_blank_whose_characters_are_all_excluded_is_named() -> None:
    (poem,) = fill(Sheet(form="五絕", particles=8), seed=1)
    every = "".join(one for one in CHOSEN.vocabulary.tokens[4:] if len(one) == 1)
    limits = [
        Limit(line=2, position=3, characters=every[:150]),
        Limit(line=2, position=3, characters=every[150:]),
    ]
    sheet = replace(Sheet.of(poem).free(2, 3, 3), exclude_at=limits if every[150:] else limits[:1])
    with pytest.raises(UnfinishedError, match="line 2, character 3: what is excluded"):
        fill(sheet, 2)


def test_a_choice_does_not_complete_an_excluded_word() -> None:
    (poem,) = fill(Sheet(form="五絕", particles=8), seed=1)
    tone = PINGSHUI.tone(poem.lines[2][1])
    spare = [one for one in POOL if PINGSHUI.tone(one) == tone and one not in "".join(poem.lines)]
    limit = Limit(line=3, position=2, characters="".join(spare[:2]))
    word = poem.lines[2][0] + spare[0]
    sheet = Sheet.of(poem, exclude_words=word).free(3, 2, 2)
    (only,) = fill(replace(sheet, was=[], choices=[limit]))
    assert only.lines[2][1] == spare[1]
