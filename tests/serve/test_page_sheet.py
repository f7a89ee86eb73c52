"""What stays, what is marked and what a sheet half written wants, in a real browser."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.serve.page import (
    Open,
    answers_held,
    bring,
    choose,
    compose,
    count,
    lines,
    link,
    put,
    says,
    send,
    type_at,
)

pytestmark = pytest.mark.slow


VERSE = ("春山入遠鐘", "落月大江東", "細雨無人至", "孤燈一夜紅")
OUT_OF_RHYME = ("黃昏明月似霜生", "夜壓行雲白帝城", "高影入槐西岸雪", "雁樓橫笛夢中月")
FIVE_FAULTS = "仄平平平仄，平仄平仄東。平平平平仄，仄平仄平同。仄仄平平仄，平平仄平紅。平平平仄仄，仄仄仄平弓。"
"""Each character is of the tone that it names."""


def scrolled(page: Page) -> list[float]:
    """How far the page is scrolled, and where the sheet is."""
    script = "[scrollY, document.querySelector('#sheet').getBoundingClientRect().top]"
    found: list[float] = page.evaluate(script)
    return found


def test_what_was_pasted_is_kept_until_it_is_freed(page: Page) -> None:
    bring(page, "，".join(VERSE))
    count(page, "#sheet .locked", 20)
    page.click("#go")
    says(page, "#trouble", "全部解鎖")
    assert lines(page) == list(VERSE)
    page.click("#free")
    count(page, "#sheet .locked", 0)
    compose(page, form="五絕")
    assert lines(page) != list(VERSE)


def test_only_what_was_freed_of_a_pasted_text_is_written_again(page: Page) -> None:
    bring(page, "，".join(VERSE))
    page.locator("#sheet [data-line='3'][data-position='2']").click()
    page.click("#lock")
    with page.expect_request("**/v1/fill") as asked:
        compose(page, form="五絕")
    assert "".join(asked.value.post_data_json["sheet"]["lines"]).count("＿") == 1
    assert [*lines(page)[:2], lines(page)[3]] == [*VERSE[:2], VERSE[3]]


def test_the_blanks_of_a_pasted_text_are_written_and_its_words_stay(page: Page) -> None:
    bring(page, f"{VERSE[0]}，＿＿＿＿＿。＿＿＿＿＿，{VERSE[3]}。")
    count(page, "#sheet .blank", 10)
    count(page, "#sheet .locked", 10)
    compose(page, form="五絕")
    assert [lines(page)[0], lines(page)[3]] == [VERSE[0], VERSE[3]]


def test_a_line_of_a_pasted_text_is_written_again_where_that_is_asked_for(page: Page) -> None:
    bring(page, "，".join(VERSE))
    page.locator("#sheet [data-line='3'][data-position='2']").click()
    page.click("#redraw-line")
    says(page, "#news", "已重寫")
    found = lines(page)
    assert found[2] != VERSE[2]
    assert [*found[:2], found[3]] == [*VERSE[:2], VERSE[3]]


def test_a_couplet_of_a_single_draft_is_kept(page: Page) -> None:
    compose(page)
    before = lines(page)
    page.locator(".keep_couplet").nth(1).click()
    count(page, "#sheet .locked", 10)
    says(page, "#go", "作")
    assert lines(page)[2:] == before[2:]
    assert lines(page)[:2] != before[:2]


def test_a_pasted_octave_with_five_faults_opens_as_one_and_the_old_style_is_offered(
    page: Page,
) -> None:
    bring(page, FIVE_FAULTS)
    says(page, "#sheet .caption", "五律")
    count(page, "#sheet .faulty", 5)
    page.locator("#faults .as-form", has_text="五古").click()
    says(page, "#sheet .caption", re.compile("五古.*無病"))


def test_what_is_noted_is_marked_where_it_stands_and_said_below(page: Page) -> None:
    bring(page, "，".join(OUT_OF_RHYME))
    count(page, "#sheet .noted", 2)
    says(page, "#sheet .caption", "可留意：重字")
    page.locator("#sheet .noted").first.click()
    says(page, "#facts", "重字：月（第 1、4 句）")
    bring(page, "江上春風起，山中夜雨深。孤舟人不見，明月照寒林。".replace("人不見", "一葉渡"))
    count(page, "#sheet .noted[data-line='3']", 1)
    says(page, "#sheet .caption", "可留意：三仄尾")


def test_of_a_character_without_fault_it_is_said_what_its_place_wants(page: Page) -> None:
    bring(page, "春山入遠鐘，落月大江東。細雨無人至，孤燈一夜紅。")
    for line, position, said in (
        (1, 1, "此處宜平。"),
        (1, 3, "此處平仄皆可。"),
        (3, 2, "此處宜仄。"),
    ):
        page.locator(f"#sheet [data-line='{line}'][data-position='{position}']").click()
        says(page, "#facts", said)
        assert "韻腳" not in page.inner_text("#facts")
    page.locator("#sheet [data-line='4'][data-position='5']").click()
    says(page, "#facts", "此處宜平。韻腳：東韻。")
    page.locator("#sheet [data-line='1'][data-position='5']").click()
    says(page, "#facts", "孤雁入群")
    bring(page, "，".join(OUT_OF_RHYME))
    page.locator("#sheet .faulty").first.click()
    says(page, "#facts", "此處須")
    assert "此處宜" not in page.inner_text("#facts")


def test_a_first_line_alone_has_no_fault(page: Page) -> None:
    page.locator(".chip", has_text="五絕").click()
    type_at(page, 1, 1, "江上晚風天")
    says(page, "#sheet .caption", "無病")
    count(page, "#sheet .faulty", 0)


def test_the_signs_of_empty_places_are_explained_and_a_first_line_need_not_rhyme(
    open_page: Open,
) -> None:
    page = open_page(language="en-GB")
    page.locator(".chip", has_text="五絕").click()
    says(page, "#sheet .legend", "Empty places want: ○ a level tone")
    says(page, "#sheet [data-line='2'][data-position='5'] .sign", "◎")
    says(page, "#sheet [data-line='1'][data-position='5'] .sign", "◐")
    page.locator("#sheet [data-line='2'][data-position='5']").click()
    says(page, "#facts", "A level tone belongs here.")


def test_a_couplet_for_an_occasion_leaves_out_what_has_no_place_there(open_page: Open) -> None:
    page = open_page(language="en-GB")
    page.locator(".chip", has_text="對聯").click()
    page.fill("#title", "a wedding")
    with page.expect_request("**/v1/couplet") as asked:
        page.click("#go")
    assert set("愁恨淚") <= set(asked.value.post_data_json["exclude"])
    assert asked.value.post_data_json["mood"] == "joyful"
    says(page, "#news", "Poems")
    assert not set("愁恨淚貧") & set("".join(lines(page)))


def test_a_refusal_in_english_says_level_and_oblique(open_page: Open) -> None:
    page = open_page(language="en-GB")
    page.locator(".chip", has_text="五絕").click()
    page.click("#more > summary")
    page.fill("#start", "山山平平平")
    says(page, "[data-field=start] .at-field", re.compile("must be oblique.* is level"))


@pytest.mark.parametrize("scroll", [0, 120])
def test_on_a_phone_the_poem_stays_in_its_place_when_drafts_come(
    open_page: Open, scroll: int
) -> None:
    page = open_page(phone=True, language="en-US")
    page.fill("#title", "a birthday")
    says(page, "#reading", "birthday")
    page.evaluate("top => scrollTo(0, top)", scroll)
    before = scrolled(page)
    page.click("#go")
    says(page, "#news", "Poems")
    count(page, ".draft", 3)
    assert scrolled(page) == before


def test_on_a_phone_the_choices_are_folded_by_the_button_that_opened_them(open_page: Open) -> None:
    page = open_page(phone=True)
    page.click("#fold")
    page.locator("#forms").wait_for()
    page.click("#fold")
    page.locator("#forms").wait_for(state="hidden")


def test_the_lines_of_a_ruled_card_cross_no_english(open_page: Open) -> None:
    title = "a letter to a friend who has gone far away beyond the mountains"
    page = open_page(link(*VERSE, form="五絕", title=title), language="en-US")
    says(page, ".by-word li >> nth=0", "chūn")
    page.evaluate("""() => {
      const { lineTo, moveTo } = CanvasRenderingContext2D.prototype;
      const { fillText } = CanvasRenderingContext2D.prototype;
      window.ends = []; window.rows = [];
      CanvasRenderingContext2D.prototype.moveTo = function (x, y) { ends.push(y); moveTo.call(this, x, y); };
      CanvasRenderingContext2D.prototype.lineTo = function (x, y) { ends.push(y); lineTo.call(this, x, y); };
      CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
        if (/[a-z]/.test(text)) rows.push(y);
        fillText.call(this, text, x, y);
      };
    }""")
    send(page, "#make-card")
    page.locator(".papers .chip").nth(1).click()
    page.wait_for_function("() => ends.length > 5 && rows.length > 5")
    ends: dict[str, Any] = page.evaluate(
        "({ top: Math.min(...ends), foot: Math.max(...ends), rows })"
    )
    assert [row for row in ends["rows"] if ends["top"] - 5 < row < ends["foot"] + 5] == []


def test_a_variant_that_is_usual_stays_as_it_was_written(page: Page) -> None:
    bring(page, "群山入遠鐘，落月大江東。細雨無人至，孤燈一夜紅。")
    assert lines(page)[0] == "群山入遠鐘"
    choose(page, "script", "simplified")
    assert lines(page)[0] == "群山入远钟"
    choose(page, "script", "traditional")
    page.locator("#sheet [data-line='3'][data-position='1']").click()
    put(page, "群国")  # and what is Simplified is read
    says(page, "#sheet [data-line='3'][data-position='2']", "國")
    assert lines(page)[2].startswith("群國")


def test_places_that_are_empty_in_a_pasted_text_are_all_there(page: Page) -> None:
    bring(page, "江上\n春□□遠鐘，＿＿＿＿＿。□□□□□，孤燈一夜紅。")
    assert [len(line) for line in lines(page)] == [3, 0, 0, 5]
    count(page, "#sheet .blank", 12)
    says(page, "#sheet .heading", "江上")


def test_a_poem_by_the_form_of_its_heading_is_judged_by_it(page: Page) -> None:
    bring(page, "《江上》五古\n" + "，".join(VERSE))
    says(page, "#sheet .caption", re.compile("五古.*無病"))


def test_a_sheet_is_asked_about_no_clash_where_all_of_it_is_kept(page: Page) -> None:
    bring(page, "，".join(OUT_OF_RHYME))
    says(page, "#sheet .caption", "1 處不合")
    page.fill("#title", "月夜")
    page.wait_for_timeout(600)  # longer than a choice waits until it is asked about
    assert page.inner_text("#clash") == ""


def test_what_was_freed_while_drafts_are_written_stays_freed(page: Page) -> None:
    bring(page, "，".join(VERSE))
    page.locator("#sheet [data-line='1'][data-position='1']").click()
    page.click("#lock")
    before = lines(page)
    with answers_held(page, "fill"):
        page.click("#go")
        says(page, "#go", "止")
        page.click("#go")
        says(page, "#go", "作")
    assert lines(page) == before
    count(page, "#sheet .locked", 19)


def test_another_subject_frees_what_was_kept_of_drafts_and_not_what_was_typed(page: Page) -> None:
    page.fill("#title", "送別")
    compose(page, poems=2)
    page.locator(".keep_couplet").nth(1).click()
    count(page, "#sheet .locked", 10)
    says(page, "#go", "作")
    type_at(page, 1, 1, "山")
    count(page, "#sheet .locked", 11)
    page.fill("#title", "賀壽")
    with page.expect_request("**/v1/fill") as asked:
        page.click("#go")
    kept = asked.value.post_data_json["sheet"]["kept"]
    assert "".join(kept) == "1".ljust(20, "0")
    says(page, "#reading", "題目換了，你寫的和鎖住的字仍留著")
    count(page, "#sheet .locked", 1)
    assert lines(page)[0][0] == "山"
