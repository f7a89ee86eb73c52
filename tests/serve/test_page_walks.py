"""What people who had never seen the page stumbled over, in a real browser: nothing is cut off, hidden or unsaid."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.serve.page import again, bring, compose, count, lines, link, opened, put, says, send

pytestmark = pytest.mark.slow

FAULTY = ("黃昏明月似霜生", "夜壓行雲白帝城", "高影入槐西岸雪", "雁樓橫笛夢中聲")


def rect(page: Page, selector: str) -> dict[str, Any]:
    """Where the first such element is."""
    found: dict[str, Any] = page.locator(selector).first.evaluate(
        "node => node.getBoundingClientRect().toJSON()"
    )
    return found


def fits(page: Page, selector: str) -> bool:
    """Whether all that an element holds is in sight."""
    return bool(page.locator(selector).evaluate("node => node.scrollWidth <= node.clientWidth"))


def test_an_octave_with_its_meanings_fits_and_stays_in_its_place(
    browser: Browser, address: str
) -> None:
    with opened(browser, address, language="en-US") as page:
        page.fill("#title", "autumn night")
        compose(page, form="七律")
        page.locator("#sheet .means").first.wait_for()
        before = rect(page, "#sheet .cell")
        page.locator("#sheet .cell").first.click()
        page.locator("#inspector .alternative").first.wait_for()
        assert rect(page, "#sheet .cell") == before
        assert fits(page, "#sheet .scroll")
        page.click("#inspector .close")
        page.click("[data-view-of=inside]")
        assert fits(page, "#sheet .scroll")


def test_a_quatrain_on_a_phone_has_its_meanings(browser: Browser, address: str) -> None:
    with opened(
        browser, address, phone=True, language="en-US", after=link(*FAULTY, form="七絕")
    ) as page:
        page.locator("#sheet .means").first.wait_for()
        assert fits(page, "#sheet .scroll")


def test_about_and_help_are_one_column_with_the_way_back_in_sight(
    browser: Browser, address: str
) -> None:
    with opened(browser, address) as page:
        for anchor in ("", "#help"):
            page.goto(f"{address}/page/about.en.html{anchor}")
            assert rect(page, ".prose h1")["x"] == rect(page, ".prose p")["x"]
            assert rect(page, ".prose a")["y"] >= 0


def test_a_tip_hides_nothing_and_closes_by_a_tap_anywhere(browser: Browser, address: str) -> None:
    with opened(browser, address, phone=True, language="zh-CN") as page:
        page.click("#fold")
        page.click("#more > summary")
        page.click("[data-field=acrostic] .tip summary")
        tip, asks = rect(page, "[data-field=acrostic] .tip-text"), rect(page, "#acrostic")
        assert tip["bottom"] <= asks["y"]
        count(page, ".tip[open]", 1)
        page.click("#acrostic")
        count(page, ".tip[open]", 0)


def test_a_form_and_a_subject_move_nothing(browser: Browser, address: str) -> None:
    with opened(browser, address, language="en-US") as page:
        before = rect(page, "#go")
        page.fill("#title", "autumn night")
        says(page, "#reading", "秋夜")
        assert rect(page, "#go") == before
        page.locator(".chip", has_text="五律").click()
        assert rect(page, "#go") == before


def test_on_its_side_a_phone_shows_the_poem_beside_what_is_chosen(
    browser: Browser, address: str
) -> None:
    with opened(browser, address, phone=True) as page:
        page.set_viewport_size({"width": 844, "height": 390})
        compose(page)
        page.locator("#sheet .cell").first.click()
        page.locator("#inspector .alternative").first.wait_for()
        assert rect(page, "#sheet .lines")["right"] <= rect(page, "#inspector")["x"]
        page.click("#inspector .close")
        send(page, "#make-card")
        page.locator("#card-preview img").wait_for()
        assert rect(page, "#close-card")["bottom"] <= 390


def test_the_inspector_closes_by_its_cross_by_escape_and_by_the_empty_page(page: Page) -> None:
    page.locator("#sheet .rhymes").first.wait_for()
    cross, escape = (lambda: page.click("#close")), (lambda: page.keyboard.press("Escape"))
    for close in (cross, escape, lambda: page.mouse.click(1270, 850)):
        page.locator("#sheet .cell").nth(2).click()
        count(page, "#inspector.open", 1)
        close()
        count(page, "#inspector.open", 0)


def test_a_link_says_whom_it_reaches_and_brings_the_subject(browser: Browser, address: str) -> None:
    with opened(browser, address, language="en-US") as page:
        page.fill("#title", "autumn night")
        compose(page)
        page.click("#send")
        says(page, "#only-here", "take Copy text or Card")
        page.keyboard.press("Escape")
        page.wait_for_function("() => location.hash.length > 40")
        after = page.evaluate("location.hash")
        send(page, "#make-card")
        page.locator("#card-preview img").wait_for()
        tall = "document.querySelector('#card-preview img').naturalHeight"
        titled: int = page.evaluate(tall)
        page.click("#png")
        says(page, "#card .note", "autumn night.png")
        page.click("#close-card")
        send(page, "#entitle")
        page.fill("#heading", "夜")
        page.click("#entitling .seal-button")
        send(page, "#make-card")
        page.locator("#card-preview img").wait_for()
        # its letters are turned, and lie along the verse
        assert titled <= page.evaluate(tall) * 1.2
    with opened(browser, address, language="en-US", after=after) as friends:
        says(friends, "#sheet h2", "autumn night")
        assert friends.locator("#title").input_value() == "autumn night"


def test_a_fault_names_what_its_place_wants_and_is_replaced_or_mended(
    browser: Browser, address: str
) -> None:
    with opened(browser, address, after=link(*FAULTY[:3], "雁樓橫笛夢中夜", form="七絕")) as page:
        says(page, "#faults", "此處須押庚韻；夜屬禡韻。")
        assert page.locator(".faulty .sign").inner_text() == "●"
        page.locator("#faults .open-place").click()
        page.locator(".alternative:focus").wait_for()
        page.keyboard.press("Enter")
        count(page, "#faults li", 0)
        assert lines(page)[-1][:-1] == "雁樓橫笛夢中"
        page.click("#undo")
        page.click("#mend")
        says(page, "#faults", "夜改作")
        assert page.locator("#sheet .changed").count() == page.locator("#faults li").count() > 0
        page.click("#undo")
        count(page, "#sheet .changed", 0)


def test_a_simplified_text_is_mended_in_simplified_and_outlives_the_browser(
    browser: Browser, address: str
) -> None:
    with opened(browser, address, language="zh-CN") as page:
        page.click("#see-verdict")
        bring(page, "夜里行云过，山中流水长。风吹千里树，月照一人家。")
        says(page, ".readings", "里 认作")
        assert "依上下文" not in page.inner_text("#notes")  # 里→里 would say nothing
        bring(page, "黄昏明月似霜生，夜压行云白帝城。高影入槐西岸雪，雁楼横笛梦中月。")
        page.locator(".as-form").click()
        says(page, "#sheet .caption", "七古")
        assert page.locator("[name=form]:checked").input_value() == "七古"
        page.locator(".chip", has_text="七绝").click()
        page.click("#mend")
        says(page, "#faults", "月改作")
        text = "".join(lines(page))
        assert not set(text) & set("黃夜壓雲樓橫夢聲爭輕") - {"夜"}
        page.evaluate("sessionStorage.clear()")
        again(page)
        assert "".join(lines(page)) == text


def test_english_is_read_wherever_characters_are_asked_for(browser: Browser, address: str) -> None:
    with opened(browser, address, language="en-GB", after=link(*FAULTY, form="七絕")) as page:
        page.fill("#title", "lanterns for a birthday")
        says(page, "#reading", "birthday → 賀壽")
        page.locator("#sheet .cell").first.click()
        put(page, "boats")
        says(page, "#news", "Now 舟")
        assert lines(page)[0].startswith("舟")
        put(page, "zebra")
        says(page, "#trouble", "Not known, and left out: zebra.")
        put(page, "黃" * 29)
        says(page, "#trouble", "there is room for 28 from here to the end, and you wrote 29.")
        page.locator(".chip", has_text="對聯").click()
        page.fill("#line", "bright moon over green mountains")
        says(page, "#reading", "green mountains → 青山, bright moon → 明月")
        with page.expect_request("**/v1/couplet") as asked:
            page.click("#go")
        assert asked.value.post_data_json["line"] == "青山明月"


def test_what_is_not_found_or_not_chinese_is_said(browser: Browser, address: str) -> None:
    with opened(browser, address, language="en-GB") as page:
        page.locator(".chip", has_text="詞").click()
        page.fill("#tune_search", "river")
        says(page, "#no_tune", "No tune found")
        assert set(page.locator("#tune_pattern").inner_text()) >= set("○●◐◎\n")
        page.fill("#tune_search", "jiang")
        count(page, "#no_tune:empty", 1)
        page.click("#bring")
        page.fill("#text", "Shall I compare thee to a summer's day?")
        page.click("#bringing .seal-button")
        says(page, "#trouble", "paste the Chinese text")


def test_a_checked_text_is_told_to_a_reader_of_english(browser: Browser, address: str) -> None:
    with opened(browser, address, language="en-GB") as page:
        bring(page, "黄昏明月似霜生，夜压行云白帝城。高影入槐西岸雪，雁楼横笛梦中月。")
        says(page, ".faults strong", "出韻 out of rhyme · line 4, character 7")
        page.locator(".open-place").click()
        page.locator(".alternative").first.wait_for()
        says(page, "#facts", "oblique, has the old rhyme 月")
        page.emulate_media(media="print")
        assert page.locator("#mend, .open-place").filter(visible=True).count() == 0
        assert page.locator("#sheet .legend").is_visible()


def test_a_verdict_is_given_by_the_form_that_its_note_names(page: Page) -> None:
    page.click("#see-verdict")
    bring(page, "孤舟寒江下，無人問姓名。獨坐吹不見，何人有琴聲。")
    page.locator(".as-form", has_text="若作五絕").click()
    says(page, "#sheet .caption", "五絕")
    assert page.locator("[name=form]:checked").input_value() == "五絕"
    bring(page, "孤舟江上煙，明月照寒泉。夜雨無人到，春山入暮烟。")
    says(page, "#notes > .hint >> nth=0", "「煙」「烟」是同一個字")
    count(page, ".as-form", 0)  # it names another character, and no form


def test_a_long_title_is_no_taller_than_its_poem(browser: Browser, address: str) -> None:
    verse = ("孤舟寒窗下", "無人問姓名", "閑眠不可見", "何處有琴聲")
    after = link(
        *verse, form="五絕", title="a letter to a friend who has gone far away beyond the mountains"
    )
    with opened(browser, address, language="en-GB", after=after) as page:
        page.locator("#sheet .pinyin").first.wait_for()
        assert rect(page, "#sheet .heading")["height"] <= rect(page, "#sheet .lines")["height"]
        assert rect(page, "#sheet .heading h2")["height"] <= rect(page, "#sheet .lines")["height"]
        assert fits(page, "#sheet .scroll")


def test_wordings_of_a_line_are_told_in_english_and_one_typed_is_locked(
    browser: Browser, address: str
) -> None:
    with opened(browser, address, language="en-GB", after=link(*FAULTY, form="七絕")) as page:
        page.locator("#sheet .cell").first.click()
        page.click("#other-lines")
        assert ": " in page.locator(".line-choice ~ small:not(:empty)").first.inner_text()
        put(page, "黃昏明月似霜輕")
        count(page, "#sheet .locked", 7)


def test_the_last_links_lie_above_the_bar_of_a_phone(browser: Browser, address: str) -> None:
    with opened(browser, address, phone=True) as page:
        page.locator("#sheet .rhymes").first.wait_for()
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        assert rect(page, "#help-page")["bottom"] <= rect(page, ".doing")["y"]


def test_what_is_taken_up_brings_its_choices_and_hints_are_in_your_script(
    browser: Browser, address: str
) -> None:
    with opened(browser, address, language="zh-CN") as page:
        assert page.locator("#line").get_attribute("placeholder") == "海内存知己"
        page.locator(".chip", has_text="对联").click()
        bring(page, "，".join(FAULTY))
        assert page.locator("[name=form]:checked").input_value() == "七絕"


def test_both_sides_are_judged_as_the_form_of_the_sheet(page: Page) -> None:
    bring(page, "，".join(FAULTY))
    page.click("#see-verdict")
    with page.expect_request(
        lambda request: '"standard":"xinyun"' in (request.post_data or "")
    ) as asked:
        page.select_option("#beside", "xinyun")
    assert asked.value.post_data_json["form"] == "七絕"
