"""Revision and alternatives on a random model: what is kept, what changes, and by what they are ranked."""

import random
from dataclasses import replace
from inspect import unwrap
from typing import Any

import pytest
from hypothesis import assume

from pingze.composing.desk import alternatives, compose, fill, revise
from pingze.composing.explaining import explain
from pingze.composing.lexicon import FREE
from pingze.composing.poem import Poem
from pingze.composing.read_request import read_request
from pingze.composing.reading import read_poem
from pingze.composing.sheet import Limit, Sheet
from pingze.composing.typed_text import ConversionWarning
from pingze.errors import InputError
from pingze.verse.characters import MARKS
from pingze.verse.checking import check
from pingze.verse.standard import PINGSHUI
from tests.composing.verse import POOL, composer, for_seeds, prepared

CHOSEN = composer(seed=6)


@pytest.fixture(autouse=True)
def _random_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("composer", "desk"):
        monkeypatch.setattr(f"pingze.composing.{name}.load_composer", lambda *_, **__: CHOSEN)


@pytest.fixture
def poem() -> Poem:
    return compose(form="五絕", rhyme="東", seed=3, particles=4)[0]


def differing(one: Poem, other: Poem) -> set[tuple[int, int]]:
    pairs = enumerate(zip("".join(one.lines), "".join(other.lines), strict=True))
    return {(place // 5 + 1, place % 5 + 1) for place, (a, b) in pairs if a != b}


@pytest.mark.parametrize(
    ("targets", "places"),
    [
        ([2], {(2, p) for p in range(1, 6)}),
        ([(4, 5), (1, 1)], {(4, 5), (1, 1)}),
        ([1, 2, 3, 4], {(n, p) for n in range(1, 5) for p in range(1, 6)}),
    ],
)
def test_only_the_targets_change_and_all_is_kept(poem: Poem, targets: list, places: set) -> None:
    (revised,) = revise(poem, targets, seed=1, particles=4)
    assert differing(poem, revised) == places
    assert check(str(revised)).ok
    assert (revised.form, revised.template, revised.rhyme) == (poem.form, poem.template, poem.rhyme)


@for_seeds(quick=8, slow=30)
def test_however_few_characters_are_left_nothing_comes_to_a_dead_end(seed: int) -> None:
    """What stood at a place comes back only where nothing else can stand there."""
    rng = random.Random(seed)
    poem = compose(form="五絕", seed=seed, particles=2)[0]
    text = "".join(poem.lines)
    assume(len(set(text)) == 20)  # a request never counts on a doubled character
    spare = [c for c in CHOSEN.vocabulary.tokens[4:] if c not in MARKS and c not in text]
    exclude = "".join(rng.sample(spare, len(spare) - rng.randrange(4)))
    targets = [
        (p // 5 + 1, p % 5 + 1) for p in sorted(rng.sample(range(20), rng.choice([1, 2, 5, 20])))
    ]
    (revised,) = revise(poem, targets, exclude=exclude, seed=seed, particles=2)
    assert differing(poem, revised) <= set(targets)
    assert check(str(revised)).ok


@pytest.mark.parametrize("line", [1, 4])
def test_a_revised_character_is_new_where_another_can_stand(poem: Poem, line: int) -> None:
    (revised,) = revise(poem, [(line, 5)], seed=1, particles=4)
    assert differing(poem, revised) == {(line, 5)}


def test_alternatives_are_ranked_by_the_score_of_the_whole_poem(poem: Poem) -> None:
    found = alternatives(Sheet.of(poem), 2, 5, 5, count=100)
    scores = [alternative.score for alternative in found]
    assert scores == sorted(scores, reverse=True)
    for alternative in found:
        lines = list(poem.lines)
        lines[1] = lines[1][:4] + alternative.text
        (whole,) = fill(Sheet.of(replace(poem, lines=lines)))
        assert whole.score == pytest.approx(alternative.score, rel=1e-5)
        assert CHOSEN.score(lines)[1].sum() == pytest.approx(alternative.log_probability, rel=1e-5)


def test_alternatives_keep_tones_and_rhyme(poem: Poem) -> None:
    for alternative in alternatives(Sheet.of(poem), 2, 5, 5, count=100):
        lines = list(poem.lines)
        lines[1] = lines[1][:4] + alternative.text
        assert poem.rhyme in PINGSHUI.rhymes(alternative.text)
        assert check("，".join(lines)).ok


def test_the_likeliest_characters_after_the_text_before_are_tried(
    poem: Poem, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = {one.text for one in alternatives(Sheet.of(poem), 2, 5, 5, count=100)}
    monkeypatch.setattr("pingze.composing.desk.TRIED", 3)
    few = {one.text for one in alternatives(Sheet.of(poem), 2, 5, 5, count=100)}
    assert few < every
    assert len(few) in (2, 3)  # what stands may be one of the three


def test_a_change_of_score_is_the_difference_of_two_poems(poem: Poem) -> None:
    (as_it_is,) = fill(Sheet.of(poem))
    for alternative in alternatives(Sheet.of(poem), 3, 1, 2):
        assert alternative.change == pytest.approx(alternative.score - as_it_is.score)


@pytest.mark.parametrize(
    ("start", "end", "size"), [(3, 3, 1), (2, 3, 2), (1, None, 5), (1, 10, 10)]
)
def test_alternatives_are_as_long_as_what_they_replace(
    poem: Poem, start: int, end: int | None, size: int
) -> None:
    found = alternatives(Sheet.of(poem), 1, start, end, count=4)
    assert found
    assert {len(alternative.text) for alternative in found} == {size}
    standing = "".join(poem.lines)[start - 1 : start - 1 + size]
    assert standing not in {alternative.text for alternative in found}


def test_alternatives_leave_a_fault_elsewhere_as_it_is(poem: Poem) -> None:
    tones = {"平": "仄", "仄": "平"}
    opposite = tones[PINGSHUI.tone(poem.lines[0][1])]
    wrong = next(c for c in POOL if PINGSHUI.tone(c) == opposite and c not in "".join(poem.lines))
    first = poem.lines[0]
    faulty = replace(poem, lines=[first[0] + wrong + first[2:], *poem.lines[1:]])
    assert not check(str(faulty), form="五絕").ok
    assert alternatives(Sheet.of(faulty), 3, 2, 2)


def test_what_stands_beside_a_place_may_be_doubled_there_but_no_third_time() -> None:
    """Verse doubles 年 often; a place between two of them would make three."""
    constraints = prepared(CHOSEN, pattern="年＿＿＿＿ ＿＿年＿年").constraints
    year = CHOSEN.vocabulary.ids["年"]
    fixed = [year] + [FREE] * 19
    assert constraints.allowed_alone(tuple(fixed), 1)[year]
    fixed[2] = year
    assert not constraints.allowed_alone(tuple(fixed), 1)[year]


def test_reasons_say_what_the_model_and_the_form_saw(poem: Poem) -> None:
    reasons = explain(poem)
    assert "".join(reason.character for reason in reasons) == "".join(poem.lines)
    log_p, _ = CHOSEN.score(poem.lines)
    for place, reason in enumerate(reasons):
        row = log_p[place + place // 5]
        id_ = CHOSEN.vocabulary.ids[reason.character]
        assert reason.probability == pytest.approx(float(2.718281828459045 ** row[id_]), rel=1e-4)
        assert reason.rank == 1 + int((row > row[id_]).sum())
        assert reason.character not in reason.alternatives
        for other in reason.alternatives:
            lines = list(poem.lines)
            line, at = lines[reason.line - 1], reason.position - 1
            lines[reason.line - 1] = line[:at] + other + line[at + 1 :]
            assert check("，".join(lines)).ok
    assert str(poem.rhyme) in reasons[9].rhyme_group


def test_a_poem_is_neither_cut_nor_longer_than_composing_takes_and_targets_are_in_it(
    poem: Poem,
) -> None:
    old_style = replace(poem, form="五古", template=None, rhyme=None, lines=poem.lines * 2)
    with pytest.raises(InputError, match="poem has 64 lines; give 60 at most"):
        explain(replace(old_style, lines=poem.lines * 16))
    for targets, said in (
        ([5], "line 5 is not in the poem, which has 4 lines"),
        ([(1, 6)], "character 6 is not in a line, which has 5"),
        ([], "there is nothing to revise"),
    ):
        with pytest.raises(InputError, match=said):
            revise(poem, targets, seed=1)


def test_a_simplified_poem_is_read_once_each_character_beside_its_neighbours() -> None:
    with pytest.warns(ConversionWarning, match="发无问声 was read as 髮無問聲") as told:
        read = unwrap(read_poem)("白发寒窗下，无人问姓名。秋山不可見，何處有琴声。")
    assert read.lines == ["白髮寒窗下", "無人問姓名", "秋山不可見", "何處有琴聲"]
    assert [warning.filename for warning in told] == [__file__]  # where a person called


def test_what_a_poem_has_is_kept_as_it_stands() -> None:
    """云 and 后 are words of their own too, and alone they would be read as 雲 and 後."""
    lines = ["人云春日月", "古后白雲天", "秋水山花落", "江風草木年"]
    poem = Poem("五絕", None, None, None, None, 0, "", lines, 0.0)
    sheet = Sheet.of(poem).free(1, 4, 4)
    fixed = read_request(composer(f"{POOL}云雲后後", seed=6).vocabulary, sheet).fixed
    assert "".join(fix.character for fix in fixed) == "人云春月古后白雲天秋水山花落江風草木年"


# -- drafts ------------------------------------------------------------------------------------------------------


def test_one_draft_is_the_poem_of_the_seed() -> None:
    (composed,) = compose(form="五絕", seed=3, particles=4)
    (filled,) = fill(Sheet(form="五絕", seed=3, particles=4))
    assert filled == composed


def test_drafts_of_a_seed_and_count_are_always_the_same() -> None:
    sheet = Sheet(form="五絕", particles=4)
    assert fill(sheet, 5, seed=2) == fill(sheet, 5, seed=2)


def test_no_two_drafts_share_a_line() -> None:
    drafts = fill(Sheet(form="五律", particles=8), 6, seed=1)
    lines = [line for draft in drafts for line in draft.lines]
    assert len(drafts) == 6
    assert len(set(lines)) == len(lines)


def test_the_openings_of_drafts_differ() -> None:
    drafts = fill(Sheet(form="五絕", particles=8), 6, seed=1)
    assert len({draft.lines[0][:2] for draft in drafts}) == 6


def test_half_of_the_drafts_open_without_the_characters_of_the_title() -> None:
    drafts = fill(Sheet(form="七絕", title="九日", particles=32), 8, seed=1)
    assert sum(not set("九日") & set(draft.lines[0]) for draft in drafts) >= 4


@pytest.mark.parametrize(
    "wishes",
    [
        {"lines": ["＿＿＿九＿"]},
        {"choices": [Limit(line=1, position=1, characters="九")]},
        {"include": "九日"},
    ],
)
def test_what_a_sheet_asks_for_stands_in_every_draft_to_a_title(wishes: dict[str, Any]) -> None:
    drafts = fill(Sheet(form="五絕", title="九日", particles=16, **wishes), 4, seed=1)
    assert ["九" in str(draft) for draft in drafts] == [True] * 4


def test_drafts_come_best_first_and_are_numbered() -> None:
    drafts = fill(Sheet(form="五絕", particles=8), 6, seed=1)
    scores = [draft.score for draft in drafts]
    assert scores == sorted(scores, reverse=True)
    assert [(draft.number, draft.count, draft.seed) for draft in drafts] == [
        (number, 6, 1) for number in range(1, 7)
    ]


def test_a_blank_line_gets_as_many_lines_as_are_asked_for(poem: Poem) -> None:
    drafts = fill(Sheet.of(poem, particles=16).free(3), 8, seed=1)
    assert len({draft.lines[2] for draft in drafts}) == 8
    assert {tuple(draft.lines[:2]) for draft in drafts} == {tuple(poem.lines[:2])}


def test_a_single_blank_gets_every_character_that_fits(poem: Poem) -> None:
    with pytest.warns(ConversionWarning, match="drafts: more different ones were not found"):
        drafts = fill(Sheet.of(poem).free(2, 5, 5), 500)
    found = {draft.lines[1][4] for draft in drafts}
    expected = set()
    for character in CHOSEN.vocabulary.tokens[4:]:
        lines = [poem.lines[0], poem.lines[1][:4] + character, *poem.lines[2:]]
        is_new = character not in "".join(poem.lines) + MARKS
        if is_new and poem.rhyme in PINGSHUI.rhymes(character) and check("，".join(lines)).ok:
            expected.add(character)
    assert found == expected


def test_a_full_sheet_has_one_way_to_be_filled(poem: Poem) -> None:
    with pytest.warns(ConversionWarning, match="1 of 3 drafts"):
        drafts = fill(Sheet.of(poem), 3)
    assert [draft.lines for draft in drafts] == [poem.lines]
