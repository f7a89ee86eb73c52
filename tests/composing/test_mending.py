"""Drafts are mended with the fewest characters changed: a search over all changes agrees."""

import random
import warnings
from itertools import combinations, product

import pytest

from pingze.composing.desk import revise
from pingze.composing.explaining import explain
from pingze.composing.mending import Mending, mend
from pingze.composing.sheet import Sheet
from pingze.composing.typed_text import ConversionWarning, noted
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
    explained = [reason.character for reason in explain(revise(mended.poem, [2], seed=1)[0])]
    assert explained[:5] == list("獨坐糖窗下")
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


REGULATED = [
    "秋夜永無寐",
    "寥寥天籟清",
    "庭虛蟲響澀",
    "窗靜月光生",
    "蟋蟀聲偏切",
    "茱萸色易明",
    "孤吟感時節",
    "此夕倍淒情",
]
"""A 五律 without a fault."""


def with_last_couplets_exchanged() -> str:
    return "，".join([*REGULATED[:4], *REGULATED[6:], *REGULATED[4:6]])


def test_couplets_change_places_where_that_mends_the_order_of_the_lines() -> None:
    faulty = with_last_couplets_exchanged()
    assert [fault.rule for fault in check(faulty).violations] == ["失黏"]
    mended = mend(faulty, 2)
    assert [(one.changes, len(one.swaps)) for one in mended] == [((), 1), ((), 1)]
    assert REGULATED in [one.poem.lines for one in mended]


def test_a_swap_says_what_changes_places_and_why() -> None:
    (swap,) = next(
        one for one in mend(with_last_couplets_exchanged(), 2) if "切" in one.swaps[0].other
    ).swaps
    assert (swap.line, swap.other_line, swap.rules) == (5, 7, ("失黏",))
    assert str(swap) == "lines 5–6 and lines 7–8 change places (失黏)"


def test_words_of_a_line_change_places_where_that_mends_its_tones() -> None:
    turned = REGULATED[2][2:4] + REGULATED[2][:2] + REGULATED[2][4:]
    mended = mend("，".join([*REGULATED[:2], turned, *REGULATED[3:]]), 6)
    (swapped,) = (one for one in mended if one.swaps)
    assert (swapped.changes, swapped.poem.lines) == ((), REGULATED)
    assert str(swapped.swaps[0]) == "line 3: 蟲響 and 庭虛 change places (失黏)"


def test_words_that_would_write_an_excluded_word_do_not_change_places() -> None:
    turned = REGULATED[2][2:4] + REGULATED[2][:2] + REGULATED[2][4:]
    sheet = Sheet(form="五律", lines=[*REGULATED[:2], turned, *REGULATED[3:]])
    unwanted = Sheet(form="五律", lines=sheet.lines, exclude_words="虛蟲")
    assert any(REGULATED[2] in one.poem.lines for one in mend(sheet, 6))
    assert all(REGULATED[2] not in one.poem.lines for one in mend(unwanted, 6))


def test_what_is_kept_does_not_change_places() -> None:
    sheet = Sheet(form="五律", lines=with_last_couplets_exchanged().split("，")).keep(5).keep(1)
    with noted():
        (mended,) = mend(sheet)
    assert mended.poem.lines[4] == sheet.rows[4]
    assert mended.poem.lines[0] == sheet.rows[0]


def test_several_ways_differ_and_those_with_the_fewest_changes_come_first() -> None:
    ways = mend(DRAFT, 4)
    assert len({str(way.poem) for way in ways}) == 4
    costs = [len(way.changes) + len(way.swaps) for way in ways]
    assert costs == sorted(costs)
    assert costs[0] == 1
    assert all(check(str(way.poem)).ok for way in ways)


def test_the_first_of_several_ways_needs_no_seed_to_come_again() -> None:
    assert mend(DRAFT, 2) == mend(DRAFT, 2) == mend(DRAFT, 2, seed=0)


def test_characters_kept_on_a_sheet_do_not_change() -> None:
    sheet = Sheet(form="五絕", lines=DRAFT[:-1].replace("。", "，").split("，")).keep(4)
    (mended,) = mend(sheet)
    assert mended.poem.lines[3] == "何處有琴天"
    assert [(change.line, change.position) for change in mended.changes] == [(2, 5)]


def test_an_excluded_character_that_stands_may_stay() -> None:
    sheet = Sheet(form="五絕", lines=DRAFT[:-1].replace("。", "，").split("，"), exclude="琴")
    (mended,) = mend(sheet)
    assert "琴" in mended.poem.lines[3]


def test_what_keeping_a_word_costs_is_told() -> None:
    """Three rhymes of four are in one group; to keep the odd one, these three change."""
    draft = "，".join([*REGULATED[:7], "此夕倍淒天"])
    with pytest.warns(ConversionWarning, match="^keeping 天 costs 2 more changes$"):
        (kept,) = mend(draft, keep=["天"])
    (free,) = mend(draft)
    assert (len(kept.changes), len(free.changes)) == (3, 1)


def test_keeping_a_word_that_costs_nothing_is_not_mentioned() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mend(DRAFT, keep=["琴"])


def test_every_change_has_a_reason_under_whatever_template() -> None:
    with noted():
        ways = mend(with_last_couplets_exchanged(), 3, keep=["月光", "孤吟"])
    assert all(way.changes for way in ways)
    assert all(change.rules for way in ways for change in way.changes)


def test_a_reading_that_the_checker_accepts_is_no_fault() -> None:
    draft = "獨坐寒窗下，無人問姓名。中酒不可見，何處有琴聲。"
    verdict = check(draft, form="五絕")
    assert verdict.ok == (mend(draft, form="五絕")[0].changes == ())


def test_blanks_of_a_sheet_are_filled_while_it_is_mended() -> None:
    sheet = Sheet(
        form="五絕", lines=["獨坐寒窗下", "無人問姓名", "＿＿＿＿＿", "何處有琴天"], particles=16
    )
    (mended,) = mend(sheet)
    assert [(change.line, change.position) for change in mended.changes] in ([(4, 5)], [(2, 5)])
    assert check(str(mended.poem), form="五絕").ok


def test_a_reading_that_the_checker_doubts_but_accepts_is_left() -> None:
    draft = "古木蒼煙外，孤城落日邊。故人談笑間，獨自上青山。"
    assert [doubt.cause["has"] for doubt in check(draft).doubts] == ["間"]
    (mended,) = mend(draft, seed=1)
    assert [(change.line, change.position) for change in mended.changes] == [(4, 5)]


def test_every_change_and_every_swap_has_a_reason() -> None:
    (mended,) = mend("獨立高城秋氣清，故人猶在談笑間。西風一夜吹紅葉，明月千山照白雲。", seed=1)
    assert [bool(swap.rules) for swap in mended.swaps] == [True]
    assert [bool(change.rules) for change in mended.changes] == [True, True]
