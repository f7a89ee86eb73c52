"""Poems as people write them: what is read from the heading."""

import pytest

from pingze.composing.reading import heading_form, read_poem

VERSE = "獨坐寒窗下，無人問姓名。\n閑眠不可見，何處有琴聲。\n"


@pytest.mark.parametrize(
    "heading",
    [
        "塞上　五絕　王維",
        "《塞上》王維 五絕",
        "塞上\n五絕\n王維",
        "塞上\n\n王维\n",
        "唐·王維《塞上》",
        "王維\n塞上",
        "題目：塞上\n作者：王維",
        "【塞上】\n[唐] 王維",
        "塞上（五言絕句）\n王維",
    ],
)
def test_a_heading_has_title_and_poet(heading: str) -> None:
    poem = read_poem(f"{heading}\n{VERSE}")
    assert (poem.title, poem.poet) == ("塞上", "王維")


def test_a_poet_whom_the_model_does_not_know_is_left_out() -> None:
    poem = read_poem(f"塞上　張三\n{VERSE}")
    assert (poem.title, poem.poet) == ("塞上", None)


def test_a_row_below_the_poem_is_no_title() -> None:
    assert read_poem(f"{VERSE}二月作於塞上\n").title is None


def test_a_heading_names_the_form() -> None:
    assert read_poem(f"塞上　五古\n{VERSE}").form == "五古"


def test_a_form_that_is_given_goes_before_the_heading() -> None:
    assert read_poem(f"塞上　五古\n{VERSE}", form="五絕").form == "五絕"


def test_a_form_of_another_shape_in_a_heading_is_part_of_no_title() -> None:
    poem = read_poem(f"塞上　七律\n{VERSE}")
    assert (poem.form, poem.title) == ("五絕", "塞上")


def test_the_name_of_a_tune_is_no_title() -> None:
    lines = "平平平平平平平，平平平平平平平。平平平平平平平。"
    assert heading_form(f"浣溪沙\n{lines}{lines}") is None
