"""Drafts are mended with the fewest characters changed: a search over all changes agrees."""

import random
from itertools import combinations, product

import pytest

from pingze.composing.desk import revise
from pingze.composing.explaining import explain
from pingze.composing.mending import Mending, mend
from pingze.composing.sheet import Sheet
from pingze.composing.typed_text import ConversionWarning
from pingze.errors import InfeasibleError, InputError
from pingze.verse.checking import check
from pingze.verse.patterns import STRICTNESSES
from tests.composing.verse import LEVELS, OBLIQUES, RHYMES, composer

FRESH = "風中前然夜"
"""What the search puts in place of others: two of each rhyme group, and one oblique character."""
DRAFT = "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴天。"


def searched(text: str, level: str, locked: frozenset[int], most: int) -> int | None:
    """The fewest changes that leave no fault, by trying them all.

    None where more than `most` are needed.
    """
    for count in range(most + 1):
        for places in combinations(
            [place for place in range(len(text)) if place not in locked], count
        ):
            for characters in product(FRESH, repeat=count):
                changed = list(text)
                for place, character in zip(places, characters, strict=True):
                    changed[place] = character
                lines = ["".join(changed[start : start + 5]) for start in range(0, 20, 5)]
                if check("，".join(lines), form="五絕", level=level).ok:
                    return count
    return None


def draft(seed: int) -> str:
    """A quatrain that keeps a template, with two characters changed at random."""
    rng, given = random.Random(seed), {"P": LEVELS, "Z": OBLIQUES, "R": RHYMES[:8]}
    pools = {tone: sorted(set(characters) - set(FRESH)) for tone, characters in given.items()}
    template = rng.choice(["ZZPPZPPZZRPPPZZZZZPR", "PPPZZZZZPRZZPPZPPZZR", "ZZZPRPPZZRPPPZZZZZPR"])
    text = [rng.choice(pools[tone]) for tone in template]
    for place in rng.sample(range(20), 2):
        text[place] = rng.choice(sorted(set(LEVELS + OBLIQUES + RHYMES) - set(FRESH)))
    return "".join(text)


@pytest.mark.parametrize(
    "seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, *range(3, 8)))]
)
def test_no_search_finds_fewer_changes(seed: int) -> None:
    level = STRICTNESSES[seed % 2]
    text, locked = draft(seed), frozenset(random.Random(seed).sample(range(20), seed % 3))
    rows = [text[start : start + 5] for start in range(0, 20, 5)]
    sheet = Sheet(form="五絕", level=level, lines=rows)
    mending = Mending(composer(), sheet, check("，".join(rows), form="五絕", level=level))
    repairs = mending.fewest(mending.ids, locked)
    fewest = min((repair.cost for repair in repairs), default=None)
    expected = searched(text, level, locked, most=2)
    if expected is None:
        assert fewest is None or fewest > 2
    else:
        assert fewest == expected
    assert not any(locked & repair.reasons.keys() for repair in repairs)


def test_what_is_mended_has_no_fault_and_says_why() -> None:
    (mended,) = mend(DRAFT, seed=1)
    assert check(str(mended.poem)).ok
    (change,) = mended.changes
    assert (change.line, change.position, change.old, change.rules) == (4, 5, "天", ("出韻",))
    assert mended.poem.lines[3][4] == change.new
    assert str(change) == f"line 4, character 5: 天 → {change.new} (出韻)"
    assert mend(DRAFT, seed=1) == [mended]


def test_a_draft_near_to_regulated_verse_is_mended_without_a_form() -> None:
    draft = "獨坐寒窗下，無客問姓名。閑眠不可見，何人有琴聲。"
    (mended,) = mend(draft, seed=1)
    assert check(str(mended.poem)).ok
    assert mended.poem.form == "五絕"
    assert [(change.line, change.rules) for change in mended.changes] == [
        (2, ("失對",)),
        (4, ("失對",)),
    ]


def test_words_to_keep_stay_and_are_found_as_they_were_written() -> None:
    """发 alone would be read as 發, and in 白发 it is 髮."""
    (mended,) = mend(DRAFT, keep=["琴天"], seed=1)
    assert mended.poem.lines[3].endswith("琴天")
    assert [(change.line, change.old) for change in mended.changes] == [(2, "名")]
    (again,) = mend(str(mended.poem))
    assert (again.changes, again.poem.lines) == ((), mended.poem.lines)
    (mended,) = mend(DRAFT.replace("寒", "糖"), seed=1)  # which the model does not know
    assert (mended.poem.lines[0], [change.old for change in mended.changes]) == (
        "獨坐糖窗下",
        ["天"],
    )
    assert [reason.character for reason in explain(revise(mended.poem, [2], seed=1)[0])][:5] == [
        *"獨坐糖窗下"
    ]
    with pytest.warns(ConversionWarning):
        (mended,) = mend("独坐寒窗下，无人问姓名。闲眠不可见，白发有琴天。", keep=["发"], seed=1)
    assert mended.poem.lines[3][1] == "髮"


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        ("江月隨人遠，山花照月明", {}, InputError, "a 絕, 律 or 排"),
        (DRAFT, {"keep": ["明月"]}, InputError, "明月 is to be kept"),
        (DRAFT, {"form": "七絕"}, InputError, "of 7 characters each"),
        (DRAFT, {"keep": ["獨坐", "姓名", "琴天"]}, InfeasibleError, "give up keep 琴天$"),
    ],
)
def test_what_cannot_be_mended(
    text: str, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        mend(text, **options)  # type: ignore[arg-type]
