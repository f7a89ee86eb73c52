"""The checker's sheet in a real browser: what it marks, what it tells, and in which language."""

import re

import pytest
from playwright.sync_api import Page

from tests.serve.page import answers_held, choose, count, lines, says

pytestmark = pytest.mark.slow

FAULTY = "黃昏明月似霜生，夜壓行雲白帝城。\n高影入槐西岸雪，雁樓橫笛夢中月。"
TWO_READINGS = "白发悲明镜，青山出发迟。秋风吹旧梦，落日入江时。"
WRONG_TONE = "孤舟寒窗下，無人問姓名。閑眠不可見，何處有琴聲。"
PLACES = [
    (f"孤舟\n\n{WRONG_TONE}", 5),
    (f"孤舟寒窗下\n{WRONG_TONE}", 7),
    ("寂寂\n\n寂々寒窗下，無人問姓名。閑眠（一作坐）不可見，何處有琴天。", 31),
    (f"{WRONG_TONE.replace('舟', '館')}\n\n{WRONG_TONE}", 27),
]
"""Texts with one fault, and where it stands in them."""


def check(page: Page, text: str) -> None:
    page.click("[data-view-of=check]")
    page.fill("#text", text)
    page.locator(".verdict h2").first.wait_for()


def test_the_sheet_has_its_legend_rhymes_and_readings(page: Page) -> None:
    check(page, FAULTY)
    says(page, ".verdict .legend", "◐ 兩讀")
    count(page, ".verdict .rhymes", 3)
    page.hover(".verdict [data-line='2'][data-position='3']")
    says(page, ".verdict .told", "行：平陽、平庚、去漾、去敬")
    page.focus(".verdict [data-line='1'][data-position='1']")
    page.keyboard.press("Enter")
    says(page, ".verdict .told", "黃：平陽")


def test_a_ci_is_marked_where_its_tune_rhymes_and_lies_on_the_desk(page: Page) -> None:
    page.click("[data-view-of=check]")
    page.fill(
        "#text",
        "如夢令\n江上晚風吹雨，山外歸人無數。明月照孤舟，一夜客愁難訴。歸去，歸去，春在小橋深處。",
    )
    says(page, ".verdict > h2", "如夢令")
    count(page, ".verdict .rhymes[data-line='7']", 1)
    count(page, ".verdict .rhymes[data-line='3']", 0)
    page.click(".revise")
    says(page, "#sheet .caption", "如夢令")
    count(page, "#sheet .line", 7)


def test_what_is_wrong_is_told_in_both_languages(page: Page) -> None:
    check(page, FAULTY)
    says(page, ".faults", "此處須押庚韻；月屬月。")
    says(page, ".faults", "雙句同押一個平聲韻部")
    says(page, ".verdict", "重字（所在的句）：月 (1, 4)")
    page.fill("#text", FAULTY.replace("高影入槐西岸雪", "高山入槐西岸雪").replace("中月", "中平"))
    says(page, ".faults", "此處須仄；山屬平。")
    choose(page, "language", "en")
    says(page, ".faults", "This place wants oblique; 山 is level.")
    says(page, ".faults", "must have the tone of the second character of the line before")
    choose(page, "script", "simplified")
    choose(page, "language", "zh")
    says(page, ".faults", "后联上句的第二字")


def test_a_draft_near_to_regulated_verse_shows_its_faults_and_is_mended(page: Page) -> None:
    check(page, "獨坐寒窗下，無客問姓名。閑眠不可見，何人有琴聲。")
    says(page, ".verdict h2", "五絕")
    count(page, ".verdict .faulty", 2)
    says(page, ".verdict .as-form", "若當作五古來讀，無誤")
    page.click(".mend")
    says(page, ".mended", "改了 2 個字")
    says(page, ".verdict h2", "無病")


def test_no_verdict_stands_beside_another_text(page: Page) -> None:
    check(page, FAULTY)
    with answers_held(page, "check"):
        with page.expect_request("**/v1/check") as older:
            page.locator("#text").press_sequentially("山")
            count(page, ".verdict", 0)
        with page.expect_request("**/v1/check"):
            page.select_option("#check_level", "strict")
            count(page, ".verdict", 0)
        # called off: its answer may come later than that by the new rules
        assert older.value.failure
    page.locator(".verdict").wait_for()


def test_two_sets_of_rules_are_seen_beside_each_other(page: Page) -> None:
    check(page, FAULTY)
    count(page, ".by", 0)
    page.select_option("#beside", "xinyun")
    count(page, ".verdict", 2)
    assert page.locator(".by").all_inner_texts() == ["平水韻 · 從寬", "中華新韻 · 從寬"]
    page.locator(".verdict >> nth=1").locator(
        ".faulty[data-line='4'][data-position='4']"
    ).wait_for()  # 笛 is level today
    assert page.locator(".verdict >> nth=0").locator(".faulty").count() == 1
    one, other = (page.locator(".sides > div").nth(n).bounding_box() for n in (0, 1))
    assert one
    assert other
    assert (one["y"], one["x"] + one["width"] < other["x"]) == (other["y"], True)
    page.locator(".verdict >> nth=1").locator(".fit").first.click()  # mends the one text of both
    page.locator(".verdict >> nth=1").wait_for()
    assert page.locator("#text").input_value() != FAULTY
    page.select_option("#beside", "strict")
    says(page, ".by >> nth=1", "平水韻 · 從嚴")


def test_the_poem_on_the_sheet_is_checked_at_one_click(page: Page) -> None:
    poem = lines(page)
    check(page, FAULTY)
    page.click("[data-view-of=compose]")
    page.click("#check")
    says(page, ".verdict h2", "無病")
    text = page.locator("#text").input_value()
    assert text.startswith("秋夜\n")
    assert [line for line in poem if line not in text] == []
    page.click("#take-mending-back")
    assert page.locator("#text").input_value() == FAULTY


def test_a_text_goes_to_the_desk_with_its_title_its_faults_and_its_spelling(page: Page) -> None:
    choose(page, "script", "simplified")
    check(page, "静夜思\n李白\n床前明月光，疑是地上霜。举头望明月，低头思故乡。")
    says(page, ".verdict", "古绝")
    page.click(".revise")
    says(page, "#sheet h2", "静夜思　李白")
    assert lines(page) == ["床前明月光", "疑是地上霜", "举头望明月", "低头思故乡"]
    check(page, FAULTY.replace("黃昏", "着図").replace("雁樓", "乾坤"))
    page.click(".revise")
    assert lines(page)[0].startswith("着図")  # as it was written, and not 著圖
    assert lines(page)[3].startswith("乾坤")  # and not 干坤
    count(page, "#sheet .faulty", 1)
    says(page, "#faults", "出韵")
    choose(page, "language", "en")
    says(page, "#faults", "The even lines rhyme in one level group")
    choose(page, "language", "zh")
    page.click("#mend-around")
    says(page, "#news", "改了 1 个字")
    count(page, "#sheet .faulty", 0)


def test_refusals_are_told_in_the_readers_language(page: Page) -> None:
    page.locator(".chip", has_text="五絕").click()
    page.click("#more > summary")
    page.fill("#start", "山山平平平")
    page.select_option("#rhyme", "東")
    clashes = "「起首」在第 1 句第 4 字的「平」（該處須仄聲）; 「起首」在第 1 句第 5 字的「平」"
    says(page, "[data-field=start] .at-field", clashes)
    page.fill("#start", "明" * 21)
    says(page, "[data-field=start] .at-field", "起首有 21 字，至多 20 字。")
    choose(page, "language", "en")
    page.fill("#start", "明" * 22)
    says(page, "[data-field=start] .at-field", "start has 22 characters; give 20 at most")
    page.locator(".remedy", has_text="Keep the first 20").click()
    assert page.locator("#start").input_value() == "明" * 20


def test_a_refusal_does_what_it_advises_at_one_tap(page: Page) -> None:
    page.click("#more > summary")
    page.fill("#acrostic", "春夏秋冬東南西北")
    page.locator(".remedy", has_text="改用七律").click()
    count(page, ".at-field", 0)
    assert page.locator("[name=form]:checked").input_value() == "七律"
    page.select_option("#acrostic_at", "end")
    page.locator(".remedy", has_text="改作句首").click()
    count(page, ".at-field", 0)
    page.fill("#poet", "李大白")
    page.locator(".remedy", has_text="李大白→李白").click()
    count(page, ".at-field", 0)
    page.locator("#bound button", has_text="擬 李白").click()
    assert page.locator("#poet").input_value() == ""
    page.fill("#include", "云 花")
    page.fill("#exclude", "云")
    page.locator("[data-field=include] .remedy").click()
    assert page.locator("#include").input_value() == "花"
    page.click("#unbind")
    count(page, "#bound li", 0)
    assert page.locator("#acrostic").input_value() == ""


def test_characters_flow_on_into_the_next_places(page: Page) -> None:
    page.locator(".chip", has_text="五絕").click()
    page.click("#more > summary")
    page.locator("#plan input").nth(3).fill("明月，山水")
    written = page.locator("#plan input").evaluate_all(
        "all => all.map(one => one.value || '＿').join('')"
    )
    assert written.startswith("＿＿＿明月山水＿")
    assert page.evaluate("document.activeElement.dataset.line") == "2"


def test_what_simplified_characters_were_read_as_can_be_corrected_and_is_taken_to_the_desk(
    page: Page,
) -> None:
    check(page, "发短愁多不自知，白云深处有谁期。后来一夜江头雨，复向钟声寄所思。")
    says(page, ".readings", "发 認作")
    chosen = page.locator(".readings [aria-pressed=true]").all_inner_texts()
    assert "".join(chosen).startswith("髮雲後復")
    page.locator(".readings button", has_text="發").click()
    says(page, ".verdict .line >> nth=0", re.compile("發.*短", re.DOTALL))
    text = page.locator("#text").input_value()
    assert text.startswith("發短愁多不自知，白雲深處有誰期。")
    count(page, ".readings", 0)
    # Of a character with two readings each is corrected alone.
    check(page, TWO_READINGS)
    count(page, ".readings li", 2)
    page.locator(".verdict > button").click()
    assert lines(page) == ["白髮悲明鏡", "青山出發遲", "秋風吹舊夢", "落日入江時"]
    check(page, "出发\n\n" + TWO_READINGS)
    page.locator(".readings li >> nth=0").get_by_role("button", name="發").click()
    count(page, ".readings", 0)
    assert (
        page.locator("#text").input_value()
        == "出发\n\n白發悲明鏡，青山出發遲。秋風吹舊夢，落日入江時。"
    )


@pytest.mark.parametrize("how", [".faults .fit >> nth=0", ".mend"])
def test_what_is_mended_is_the_verse_and_not_its_title(page: Page, how: str) -> None:
    for text, place in PLACES:
        check(page, text)
        page.locator(how).click()
        count(page, ".faults > li", 0)
        both = zip(text.replace("々", "寂"), page.locator("#text").input_value(), strict=True)
        assert [at for at, (one, other) in enumerate(both) if one != other] == [place], text


def test_where_the_verse_is_not_found_nothing_is_mended(page: Page) -> None:
    text = FAULTY.replace("黃", "&#40643;")
    check(page, text)
    for how in (".faults .fit >> nth=0", ".mend"):
        page.locator(how).click()
        says(page, "#trouble", "認不出這首詩的字")
        assert page.locator("#text").input_value() == text
    count(page, ".mended", 0)


def test_a_poem_is_mended_and_what_was_changed_is_told(page: Page) -> None:
    check(page, FAULTY)
    page.fill(".mending input", "雁樓")
    page.click(".mend")
    says(page, ".mended", "改了 1 個字")
    says(page, ".mended li", re.compile("第4句第7字：月改作.（原病：出韻）"))
    says(page, ".verdict h2", "無病")
    mended = page.locator("#text").input_value()
    assert "雁樓" in mended
    assert sum(one != other for one, other in zip(mended, FAULTY, strict=True)) == 1
    page.click("#take-mending-back")
    says(page, ".verdict h2", "1 處不合")
    assert page.locator("#text").input_value() == FAULTY
    # What is kept has sound characters changed to fit it.
    check(page, "孤舟寒江下，無人問姓名。山風吹不見，何人有琴聲。")
    page.select_option("#check_form", "五絕")
    page.fill(".mending input", "孤舟")
    page.click(".mend")
    says(page, ".mended li >> nth=0", "（隨改）")
    choose(page, "standard", "xinyun")
    says(page, ".verdict > h2", "中華新韻")


def test_what_is_typed_stays_as_a_poem_comes(page: Page) -> None:
    check(page, FAULTY)
    page.click("[data-view-of=compose]")
    with answers_held(page, "fill"):
        page.click("#go")
        page.click("[data-view-of=check]")
        page.fill(".mending input", "雁樓")
    says(page, "#news", "得詩")
    assert page.locator(".mending input").input_value() == "雁樓"


@pytest.mark.parametrize(("route", "again"), [("mend", False), ("mend", True), ("check", False)])
def test_what_is_written_while_it_mends_stays(page: Page, route: str, again: bool) -> None:
    check(page, FAULTY)
    with answers_held(page, route):
        with page.expect_request(f"**/v1/{route}"):
            page.click(".mend")
        page.fill("#text", "山")
        if again:
            says(page, ".verdict h2", "不合任何詩體")
    page.evaluate("async () => { await fetch('/v1/health'); }")  # it comes after the answer
    assert page.locator("#text").input_value() == "山"
    assert page.locator("#trouble").is_hidden()
    count(page, ".mended", 0)
