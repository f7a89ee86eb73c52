"""Revision and alternatives on a random model: what is kept, what changes, and by what they are ranked."""

import random
from dataclasses import replace
from inspect import unwrap

import pytest
from hypothesis import assume

from pingze.composing.composer import compose
from pingze.composing.lexicon import FREE
from pingze.composing.poem import Poem
from pingze.composing.revision import (
    Alternative,
    alternatives,
    explain,
    poem_request,
    read_poem,
    revise,
)
from pingze.composing.terms.antithesis import antithesis_table
from pingze.composing.typed_text import ConversionWarning
from pingze.errors import InputError
from pingze.verse.characters import MARKS
from pingze.verse.checking import check
from pingze.verse.standard import PINGSHUI
from tests.composing.verse import POOL, composer, for_seeds, prepared

CHOSEN = composer(seed=6)


@pytest.fixture(autouse=True)
def _random_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("composer", "revision"):
        monkeypatch.setattr(f"pingze.composing.{name}.composer", lambda *_, **__: CHOSEN)


@pytest.fixture
def poem() -> Poem:
    return compose(form="五絕", rhyme="東", seed=3, particles=4)[0]


def differing(one: Poem, other: Poem) -> set[tuple[int, int]]:
    pairs = enumerate(zip("".join(one.lines), "".join(other.lines), strict=True))
    return {(place // 5 + 1, place % 5 + 1) for place, (a, b) in pairs if a != b}


@pytest.mark.parametrize(
    ("targets", "places"),
    [
        *(([2], {(2, p) for p in range(1, 6)}), ([(4, 5), (1, 1)], {(4, 5), (1, 1)})),
        ([1, 2, 3, 4], {(n, p) for n in range(1, 5) for p in range(1, 6)}),
    ],
)
def test_only_the_targets_change_and_all_is_kept(poem: Poem, targets: list, places: set) -> None:
    revised = revise(poem, targets, seed=1, particles=4)
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
    revised = revise(poem, targets, exclude=exclude, seed=seed, particles=2)
    assert differing(poem, revised) <= set(targets)
    assert check(str(revised)).ok
    if len(targets) == 1:
        assert (
            differing(poem, revised) or len(alternatives(poem, *targets[0], exclude=exclude)) == 1
        )


def test_alternatives_are_ranked_by_the_whole_poem(
    poem: Poem, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = alternatives(poem, 2, 5, limit=100)
    assert [a.log_probability for a in found] == sorted(
        (a.log_probability for a in found), reverse=True
    )
    assert poem.lines[1][4] in {a.character for a in found}
    for alternative in found:
        lines = [*poem.lines]
        lines[1] = lines[1][:4] + alternative.character
        assert CHOSEN.score(lines)[1].sum() == pytest.approx(alternative.log_probability, rel=1e-5)
        assert poem.rhyme in PINGSHUI.rhymes(alternative.character)
        assert check("，".join(lines)).ok
    monkeypatch.setattr("pingze.composing.revision.TRIED", 3)  # only the likeliest are weighed
    few, every = (
        alternatives(poem, 2, 5, limit=100),
        {one.character: one.log_probability for one in found},
    )
    assert len(few) == 3 < len(every)
    assert all(one.log_probability == pytest.approx(every[one.character], rel=1e-5) for one in few)


def test_what_stands_beside_a_place_may_be_doubled_there_but_no_third_time() -> None:
    """Verse doubles 年 often; a place between two of them would make three."""
    constraints = prepared(CHOSEN, pattern="年＿＿＿＿ ＿＿年＿年").constraints
    year = CHOSEN.vocabulary.ids["年"]
    fixed = [year] + [FREE] * 19
    assert constraints.allowed_alone(tuple(fixed), 1)[year]
    fixed[2] = year
    assert not constraints.allowed_alone(tuple(fixed), 1)[year]


@pytest.mark.parametrize("line", [3, 4])
def test_alternatives_answer_the_line_that_stands_opposite(line: int) -> None:
    """At weight w they are ranked by ln p + w·s, s being the couplet's score (its mean, hence times its width)."""
    poem, weight = compose(form="五律", seed=3, particles=4)[0], 4.0
    found = alternatives(poem, line, 2, limit=60, antithesis=weight, repeat=True)
    assert found != alternatives(poem, line, 2, limit=60, antithesis=0, repeat=True)

    def worth(one: Alternative) -> float:
        couplet = poem.lines[2:4]
        couplet[line - 3] = couplet[line - 3][0] + one.character + couplet[line - 3][2:]
        return one.log_probability + weight * 5 * antithesis_table().score(couplet[0], couplet[1])

    worths = [worth(one) for one in found]
    assert worths == pytest.approx(sorted(worths, reverse=True), abs=1e-4)


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
            lines = [*poem.lines]
            line, at = lines[reason.line - 1], reason.position - 1
            lines[reason.line - 1] = line[:at] + other + line[at + 1 :]
            assert check("，".join(lines)).ok
    assert str(poem.rhyme) in reasons[9].rhyme_group


def test_a_poem_is_neither_cut_nor_longer_than_composing_takes_and_targets_are_in_it(
    poem: Poem,
) -> None:
    old_style = replace(poem, form="五古", template=None, rhyme=None, lines=poem.lines * 2)
    with pytest.raises(InputError, match="lines is 4, and the poem has 8"):
        revise(old_style, [1], lines=4, repeat=True)
    with pytest.raises(InputError, match="poem has 64 lines; give 60 at most"):
        explain(replace(old_style, lines=poem.lines * 16))
    for targets, said in (
        ([5], "line 5 is not in the poem, which has 4 lines"),
        *(
            ([(1, 6)], "character 6 is not in a line, which has 5"),
            ([], "there is nothing to revise"),
        ),
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
    fixed = poem_request(composer(f"{POOL}云雲后後", seed=6), poem, [3]).fixed
    assert "".join(fix.character for fix in fixed) == "人云春月古后白雲天秋水山花落江風草木年"
