"""A refusal names lines and odd rhymes as a person would, in English and Chinese."""

from typing import Any

import pytest

from pingze.composing.composer import prepare
from pingze.composing.desk import alternatives
from pingze.composing.options import Composing
from pingze.composing.read_request import read_request
from pingze.composing.sheet import Sheet
from pingze.composing.typed_text import ConversionWarning
from pingze.errors import Clash, InfeasibleError
from tests.composing.verse import composer


def refused(*lines: str, kept: str = "", **options: str) -> InfeasibleError:
    """The refusal of a sheet; `kept` has the numbers of the lines that are kept."""
    rows = list(lines)
    masks = ["1" * len(row) if str(n) in kept else "" for n, row in enumerate(rows, 1)]
    sheet = Sheet(form="五絕", lines=rows, kept=masks, repeat=True, **options)
    with pytest.raises(InfeasibleError) as error:
        prepare(sheet)
    return error.value


def test_a_line_of_the_other_opening_is_one_clash_and_says_which_line_it_could_be() -> None:
    error = refused("", "", "獨坐寒窗下", "何處有琴聲", kept="34")
    (clash,) = error.clashes
    assert (clash.line, clash.position, clash.has) == (4, None, "何處有琴聲")
    assert str(clash) == (
        "line 4, 何處有琴聲 (it belongs to the other opening: it is ○●●○○, and line 3, ●●○○●, "
        "wants ○○◐●○: ○ level, ● oblique, ◐ either; it could be line 2)"
    )


def test_a_line_whose_single_character_is_wrong_is_named_whole_if_it_fits_elsewhere() -> None:
    (clash,) = refused("閑眠不可見", "", "", "何處有琴聲", kept="14").clashes
    assert (clash.line, clash.positions) == (1, (2,))
    assert clash.reason.endswith("; it could be line 3")


def test_two_lines_that_clash_say_which_pattern_each_has() -> None:
    (clash,) = refused("無人問姓名", "獨坐寒窗下", kept="12").clashes
    assert clash.reason == (
        "line 1 is ○○●●○, so line 2 must be ◐●●○○; it is ●●○○●: ○ level, ● oblique, ◐ either; "
        "it could be line 3"
    )


def test_a_line_says_all_characters_that_clash() -> None:
    (clash,) = refused("無人問姓名", "獨坐寒窗下", kept="12").clashes
    assert clash.positions == (3, 5)
    assert clash.wanted == "中仄仄平平"


def test_an_excluded_character_of_a_line_is_named_alone() -> None:
    (clash,) = refused("獨坐寒窗下", kept="1", exclude="獨").clashes
    assert (clash.position, clash.has) == (1, "獨")


def test_a_line_is_named_in_chinese_with_its_reason() -> None:
    error = refused("", "", "獨坐寒窗下", "何處有琴聲", kept="34")
    assert error.text("zh") == (
        "第 4 句「何處有琴聲」（它屬另一起式：平仄是平仄仄平平，第 3 句是仄仄平平仄，這裏要平平中仄平；"
        "可作第 2 句）：須捨去，方能成詩。"
    )


def test_the_first_lines_rhyme_is_the_odd_one_of_two() -> None:
    """The first line need not rhyme; that of the second is what the person rhymed on."""
    (clash,) = refused("＿＿＿＿殘", "＿＿＿＿飛", kept="12").clashes
    assert (clash.line, clash.has) == (1, "殘")


def test_of_several_rhymes_the_odd_one_is_named() -> None:
    (clash,) = refused("", "＿＿＿＿飛", "", "＿＿＿＿殘", rhyme="微").clashes
    assert (clash.line, clash.has) == (4, "殘")


@pytest.mark.parametrize(("kept", "named"), [("2", "殘"), ("4", "飛")])
def test_what_merely_stands_is_given_up_before_what_is_kept(kept: str, named: str) -> None:
    (clash,) = refused("", "＿＿＿＿飛", "", "＿＿＿＿殘", kept=kept).clashes
    assert clash.has == named


def test_more_that_stands_is_given_up_before_less_that_is_kept() -> None:
    clashes = refused("＿＿＿＿飛", "＿＿＿＿歸", "", "＿＿＿＿殘", kept="4").clashes
    assert {clash.has for clash in clashes} == {"飛", "歸"}


def test_what_stands_on_a_sheet_is_named_without_an_option() -> None:
    assert str(refused("", "＿＿＿＿飛", "", "＿＿＿＿殘", rhyme="微")) == (
        "no 五絕 can keep all that is asked for: give up 殘 (line 4, character 5 must rhyme in 微; "
        "殘 rhymes in 寒)"
    )


def test_alternatives_pass_over_a_whole_line_that_clashes() -> None:
    lines = ["獨坐寒窗下", "無人問姓名", "獨坐寒窗下", "何處有琴聲"]
    sheet = Sheet(form="五絕", lines=lines, repeat=True, particles=8)
    assert alternatives(sheet, 2, 1, 1)


def test_a_clash_without_a_reason_says_that_it_cannot_be_kept_in_both_languages() -> None:
    clash = Clash("rhyme 東", "rhyme", has="東")
    assert clash.in_language("en").reason == "it cannot be kept together with the rest"
    assert clash.in_language("zh").reason == "與其餘所求不能並存"


def test_a_wrong_tone_is_explained_in_chinese_too() -> None:
    chosen = composer()
    with pytest.raises(InfeasibleError) as error:
        chosen.prepare(
            read_request(
                chosen.vocabulary,
                Composing(form="五絕", acrostic="日月柳天", acrostic_at="end", rhyme="東"),
            )
        )
    assert [clash.in_language("zh").reason for clash in error.value.clashes] == [
        "第 2 句第 5 字須平聲，「月」是仄聲",
        "第 4 句第 5 字須押東韻，「天」屬先",
    ]


def test_a_rare_reading_is_told_and_refused_at_the_strict_level() -> None:
    asked: dict[str, Any] = {"form": "五絕", "template": "平起首句不入韻", "pattern": "＿不＿＿＿"}
    with pytest.warns(ConversionWarning, match="不 can stand there only in a tone that is rare"):
        prepare(Composing(**asked))
    with pytest.raises(InfeasibleError, match="pattern's 不"):
        prepare(Composing(**asked, level="strict"))
