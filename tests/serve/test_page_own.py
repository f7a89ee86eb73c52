"""What a poet puts on the sheet by hand, in a real browser: parts pasted, candidates chosen, a title."""

import re

import pytest
from playwright.sync_api import Page

from tests.serve.page import bring, compose, count, lines, says, type_at

pytestmark = pytest.mark.slow


OCTAVE = (
    "春山入遠鐘江上",
    "落月大江東去人",
    "細雨無人至此門",
    "孤燈一夜紅如火",
    "黃昏明月似霜生",
    "夜壓行雲白帝城",
    "高影入槐西岸雪",
    "雁樓橫笛夢中月",
)
COUPLET = ("明月松間照我還", "清泉石上流無聲")


def paste(page: Page, text: str, line: int, position: int = 1) -> None:
    """Paste a text at a place of the sheet."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.locator(f"#sheet [data-line='{line}'][data-position='{position}']").focus()
    page.keyboard.press("Control+v")


def test_a_couplet_that_is_pasted_stands_in_place_and_all_else_stays(page: Page) -> None:
    bring(page, "月夜\n" + "，".join(OCTAVE))
    says(page, "#sheet .heading", "月夜")
    paste(page, "，\n".join(COUPLET) + "。", line=3, position=2)
    says(page, "#sheet [data-line='3'][data-position='1']", "明")
    assert lines(page) == [*OCTAVE[:2], *COUPLET, *OCTAVE[4:]]
    says(page, "#sheet .heading", "月夜")
    count(page, "#sheet [data-line='5'][data-position='1']:focus", 1)


def test_a_couplet_that_finds_no_room_is_refused(page: Page) -> None:
    bring(page, "，".join(OCTAVE))
    paste(page, "，".join(COUPLET), line=8)
    says(page, "#trouble", "7 字的位置")
    assert lines(page) == list(OCTAVE)


def test_a_quatrain_that_is_pasted_on_an_octave_is_a_poem_of_its_own(page: Page) -> None:
    bring(page, "，".join(OCTAVE))
    with page.expect_response("**/v1/read"):
        paste(page, "，".join(OCTAVE[4:]), line=3)
    count(page, "#sheet .line", 4)
    assert lines(page) == list(OCTAVE[4:])


def test_a_new_edit_clears_what_could_be_done_again(page: Page) -> None:
    page.click("#new-sheet")
    type_at(page, 1, 1, "山")
    page.click("#new-sheet")
    type_at(page, 1, 1, "江")
    page.click("#undo")
    page.click("#undo")  # to the sheet before
    says(page, "#sheet [data-line='1'][data-position='1']", "山")
    assert page.locator("#redo").is_enabled()
    type_at(page, 1, 2, "水")
    assert page.locator("#redo").is_disabled()
    page.keyboard.press("Control+Shift+z")
    assert lines(page)[0] == "山水"


def test_a_new_poem_clears_what_could_be_done_again(page: Page) -> None:
    page.click("#new-sheet")
    type_at(page, 1, 1, "山")
    type_at(page, 1, 2, "水")
    page.click("#undo")
    page.click("#new-sheet")
    page.click("#undo")
    says(page, "#sheet [data-line='1'][data-position='1']", "山")
    page.click("#redo")
    assert set(lines(page)) == {""}
    assert page.locator("#redo").is_disabled()


def test_a_character_and_a_line_that_are_chosen_are_kept(page: Page) -> None:
    compose(page)
    page.locator("#sheet [data-line='2'][data-position='2']").click()
    page.locator(".alternative").first.click()
    count(page, "#sheet .locked[data-line='2'][data-position='2']", 1)
    page.locator("#sheet [data-line='4'][data-position='1']").click()
    page.click("#other-lines")
    page.locator(".line-choice").first.click()
    count(page, "#sheet .locked", 6)
    chosen = lines(page)
    compose(page)
    found = lines(page)
    assert found != chosen
    assert (found[1][1], found[3]) == (chosen[1][1], chosen[3])


def test_a_couplet_of_another_draft_is_put_on_the_sheet_and_all_else_stays(page: Page) -> None:
    compose(page, poems=2)
    count(page, ".draft", 2)
    before = lines(page)
    couplet = page.locator(".draft >> nth=1").locator(".couplet-of >> nth=1")
    text = re.sub(r"\W", "", couplet.locator(".verse").inner_text())
    couplet.locator(".put_couplet").click()
    count(page, "#sheet .locked", 10)
    assert [*lines(page)[:2], "".join(lines(page)[2:])] == [*before[:2], text]
    page.click("#undo")
    assert lines(page) == before


def test_a_click_on_a_couplet_takes_its_draft(page: Page) -> None:
    compose(page, poems=2)
    count(page, ".draft", 2)
    other = page.locator(".draft >> nth=1").locator(".verse")
    texts = [re.sub(r"\W", "", text) for text in other.all_inner_texts()]
    other.nth(1).click()
    count(page, ".draft.chosen >> nth=0 >> .put_couplet", 0)
    assert "".join(lines(page)) == "".join(texts)
    count(page, "#sheet .locked", 0)


def test_where_all_else_is_locked_a_couplet_is_just_put_there(page: Page) -> None:
    compose(page, poems=2)
    count(page, ".draft", 2)
    other = page.locator(".draft >> nth=1")
    texts = [re.sub(r"\W", "", text) for text in other.locator(".verse").all_inner_texts()]
    other.locator(".put_couplet").nth(0).click()
    other.locator(".keep_couplet").nth(1).click()
    count(page, "#sheet .locked", 20)
    assert "".join(lines(page)) == "".join(texts)


def test_a_title_stands_over_a_sheet_that_a_person_writes_and_undo_agrees_with_it(
    page: Page,
) -> None:
    page.click("#new-sheet")
    type_at(page, 1, 1, "山")
    page.fill("#title", "登樓")
    says(page, "#sheet .heading", "登樓")
    page.click("#new-sheet")
    says(page, "#sheet .heading", "登樓")
    type_at(page, 1, 1, "江")
    page.fill("#title", "渡江")
    says(page, "#sheet .heading", "渡江")
    page.click("#undo")
    says(page, "#sheet .heading", "渡江")
    page.click("#undo")
    says(page, "#sheet .heading", "登樓")
    assert page.locator("#title").input_value() == "登樓"
    page.fill("#title", "")
    count(page, "#sheet .heading", 0)


def test_the_title_of_a_poem_to_come_is_not_that_of_a_poem_that_was_composed(page: Page) -> None:
    says(page, "#sheet .heading", "秋夜")
    page.fill("#title", "登樓")
    page.click("#marks")
    says(page, "#sheet .heading", "秋夜")
