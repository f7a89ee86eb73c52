"""A sheet half written is judged as far as it goes: a search over all templates and groups agrees."""

import random
from itertools import product

import pytest

import pingze
from pingze.composing.checking import check
from pingze.composing.judging import SheetVerdict
from pingze.composing.sheet import Sheet
from pingze.errors import InputError
from pingze.verse.forms import OPENINGS, line_types, opening_name
from pingze.verse.patterns import RESCUED, accepted
from pingze.verse.standard import PINGSHUI
from pingze.verse.verdict import Verdict
from tests.composing.verse import LEVELS, OBLIQUES, RHYMES

WRITTEN = ["獨坐寒窗下", "無人問姓名", "閑眠不可見", "何處有琴聲"]


def judged(*lines: str, form: str = "五絕", **options: str) -> SheetVerdict:
    verdict = check(Sheet(form=form, lines=list(lines), **options))
    assert isinstance(verdict, SheetVerdict)
    return verdict


def half_written(seed: int) -> list[str]:
    """Lines of a 五絕 in which one place in three has a character."""
    rng = random.Random(seed)
    text = [rng.choice([*LEVELS, *OBLIQUES, *RHYMES, *"＿" * 80]) for _ in range(20)]
    return ["".join(text[start : start + 5]) for start in range(0, 20, 5)]


def misfits(lines: list[str], opening: str) -> tuple[int, list[set[str]]]:
    """The fewest wrong tones under a template, and the tones of each place under the ways that leave them."""
    total = 0
    tones: list[set[str]] = []
    kinds = line_types(opening, 4)
    for first in (0, 2):
        pair = (kinds[first], kinds[first + 1])
        pairs = [pair]
        if pair == tuple(RESCUED):
            pairs.append(tuple(RESCUED.values()))
        ways = []
        for one, other in pairs:
            for upper, lower in product(accepted(one, 5), accepted(other, 5)):
                wanted = upper.tones + lower.tones
                wrong = 0
                for at, sign in enumerate(wanted):
                    is_foot = at % 5 == 4 and kinds[first + at // 5].isupper()
                    own = PINGSHUI.tones("".join(lines[first : first + 2])[at])
                    side = {"P": "平", "Z": "仄"}.get(sign)
                    wrong += bool(side and own and side not in own and not is_foot)
                ways.append((wrong, wanted))
        least = min(wrong for wrong, _ in ways)
        total += least
        best = [wanted for wrong, wanted in ways if wrong == least]
        tones += [set(signs) for signs in zip(*best, strict=True)]
    return total, tones


@pytest.mark.parametrize("seed", range(6))
def test_the_templates_possible_are_those_that_a_search_finds(seed: int) -> None:
    lines = half_written(seed)
    lines = [line[:4] + "＿" for line in lines]  # no rhyme decides
    costs = {opening: misfits(lines, opening)[0] for opening in OPENINGS}
    expected = {opening_name(5, one[0]) for one in OPENINGS if costs[one] == min(costs.values())}
    assert set(judged(*lines).templates) == expected


@pytest.mark.parametrize("seed", range(6))
def test_a_blank_wants_what_every_possible_template_wants(seed: int) -> None:
    lines = [line[:4] + "＿" for line in half_written(seed)]
    found = {opening: misfits(lines, opening) for opening in OPENINGS}
    least = min(cost for cost, _ in found.values())
    verdict = judged(*lines)
    for want in verdict.wants:
        place = (want.line - 1) * 5 + want.position - 1
        signs = set()
        for cost, tones in found.values():
            if cost == least:
                signs |= tones[place]
        expected = {"P": "平", "Z": "仄"}.get("".join(signs), "中")
        assert want.tone == expected


def test_a_full_sheet_has_the_verdict_of_its_text() -> None:
    sheet = Sheet(form="五絕", lines=WRITTEN)
    assert check(sheet) == check("，".join(WRITTEN), form="五絕")
    assert type(check(sheet)) is Verdict


def test_an_empty_sheet_has_no_fault_and_every_template() -> None:
    verdict = judged()
    assert verdict.ok
    assert len(verdict.templates) == 4
    assert len(verdict.wants) == 20


def test_blanks_are_no_faults() -> None:
    verdict = judged(*WRITTEN[:3], "＿＿＿＿＿")
    assert verdict.violations == ()


def test_a_fault_is_found_before_the_rest_is_written() -> None:
    verdict = judged("＿＿＿＿＿", "無人問姓名", "＿＿＿＿＿", "＿＿＿＿天")
    assert [(fault.rule, fault.line, fault.position) for fault in verdict.violations] == [
        ("出韻", 4, 5)
    ]


@pytest.mark.parametrize("form", ["五絕", "五古"])
def test_a_first_line_alone_is_not_out_of_rhyme(form: str) -> None:
    verdict = judged("江上晚風天", "", "", "", form=form)
    assert verdict.violations == ()


def test_a_rhyme_written_decides_the_rhymes_that_are_wanted() -> None:
    verdict = judged("", "無人問姓名")
    assert verdict.rhymes == ("庚",)
    assert [want.rhyme for want in verdict.wants if want.position == 5] == ["", "", "庚"]


def test_a_rhyme_asked_for_limits_what_is_possible() -> None:
    assert judged(rhyme="東").rhymes == ("東",)


def test_a_template_asked_for_limits_what_is_possible() -> None:
    assert judged(template="平起首句入韻").templates == ("平起首句入韻",)


def test_old_style_verse_wants_a_rhyme_alone() -> None:
    verdict = judged("", "無人問姓名", "＿＿＿＿＿", "＿＿＿＿＿", form="五古")
    assert {want.tone for want in verdict.wants} == {"中"}
    assert [(want.line, want.rhyme) for want in verdict.wants if want.rhyme] == [(4, "庚")]


def test_a_blank_in_a_repeated_line_stands_for_what_is_repeated() -> None:
    lines = [""] * 4 + ["明月"] + [""] * 2
    assert judged(*lines, form="如夢令").violations == ()


def test_simplified_characters_of_a_sheet_are_read_as_traditional() -> None:
    verdict = judged("独坐寒窗下", "＿＿＿＿＿")
    assert (verdict.lines[0], verdict.read[0]) == ("独坐寒窗下", "獨坐寒窗下")


def test_the_public_check_takes_text_and_sheets_alike() -> None:
    assert pingze.check("，".join(WRITTEN)).ok
    assert pingze.check(Sheet(form="五絕", lines=WRITTEN)).ok
    with pytest.raises(InputError, match="text must be text or a Sheet, not int"):
        pingze.check(5)  # type: ignore[arg-type]


def test_a_sheet_with_another_number_of_lines_is_refused() -> None:
    with pytest.raises(InputError, match="a 七絕 has 4 lines, not 2"):
        check(Sheet(form="七絕", lines=2))
