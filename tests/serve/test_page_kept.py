"""Nothing that a person wrote is lost, in a real browser: refusals, undo, Back, reloads, and the shelf."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.serve.page import again, compose, count, lines, opened, says

pytestmark = pytest.mark.slow

SHELF = "Object.keys(localStorage).filter(key => key.startsWith('pingze.desk'))"
MOST = 300
"""Poems that the shelf keeps."""


def edit(page: Page) -> list[str]:
    """Put another character in the first place; the lines as they are then."""
    before = lines(page)
    page.locator("#sheet [role=gridcell]").first.click()
    page.locator(".alternative").first.click()
    page.wait_for_function(
        "was => document.querySelector('#sheet .character').innerText !== was", arg=before[0][0]
    )
    return lines(page)


def shows(page: Page, poem: list[str]) -> None:
    """Wait until the poem is on the sheet."""
    says(page, "#sheet .line:first-child", re.compile(r"\W*".join(poem[0])))
    assert lines(page) == poem


def test_the_old_poem_stays_until_the_new_one_is_there(browser: Browser, address: str) -> None:
    with opened(browser, address, refused=2) as page:
        compose(page)
        edited = edit(page)
        page.route("**/v1/fill", lambda route: route.abort())
        page.click("#go")
        says(page, "#trouble", "沒有回應")
        assert lines(page) == edited
        page.unroute("**/v1/fill")
        page.click("#more > summary")
        page.fill("#start", "平平平平平")
        page.click("#go")
        page.locator("[data-field=start] .at-field").wait_for()
        says(page, "#go", "作")
        assert lines(page) == edited


def test_undo_and_back_lead_to_the_poem_before(page: Page) -> None:
    welcome = lines(page)
    compose(page)
    first = edit(page)
    compose(page, form="五律")
    second = lines(page)
    page.click("#undo")
    assert lines(page) == first
    page.click("#redo")
    assert lines(page) == second
    page.go_back()
    shows(page, first)
    assert page.locator("[name=form]:checked").input_value() == "五絕"
    for there in (second, first, welcome):
        page.go_back()
        shows(page, there)
    page.go_forward()
    shows(page, first)
    page.click("[data-view-of=shelf]")
    page.go_back()  # leads to the view before, and changes no poem unseen
    shows(page, first)
    page.go_back()
    shows(page, welcome)
    page.go_forward()
    shows(page, first)


def test_template_and_poet_come_back_after_another_form(page: Page) -> None:
    page.click("#more > summary")
    page.select_option("#template", "平起首句入韻")
    page.fill("#poet", "李白")
    compose(page, form="七絕")
    first = lines(page)
    page.fill("#poet", "")
    compose(page, form="五古")
    page.go_back()
    shows(page, first)
    assert page.locator("#template").input_value() == "平起首句入韻"
    assert page.locator("#poet").input_value() == "李白"


def test_a_reload_keeps_candidates_their_past_and_what_is_being_written(page: Page) -> None:
    page.fill("#title", "秋夜")
    again(page)  # before the first poem
    assert page.locator("#title").input_value() == "秋夜"
    compose(page, poems=2)
    count(page, "button.candidate", 2)
    original = lines(page)
    edited = edit(page)
    page.locator("button.candidate").nth(1).click()
    second = lines(page)
    page.click("[data-view-of=shelf]")
    page.keyboard.press("Control+z")  # undoes nothing that is out of sight
    page.click("[data-view-of=compose]")
    page.fill("#title", "未作之題")
    again(page)
    assert lines(page) == second
    assert page.locator("#title").input_value() == "未作之題"
    page.locator("button.candidate").first.click()
    assert lines(page) == edited
    page.click("#undo")
    assert lines(page) == original


def test_the_shelf_keeps_what_was_written_and_one_button_clears_it(
    page: Page, address: str
) -> None:
    compose(page)
    first = lines(page)
    compose(page, form="七絕")
    second = lines(page)
    page.goto("about:blank")
    again(page, address)
    assert lines(page) == second
    page.click("[data-view-of=shelf]")
    count(page, ".shelf li", 2)
    page.locator(".shelf .candidate").nth(1).click()
    again(page)
    assert lines(page) == first
    assert page.locator("[name=form]:checked").input_value() == "五絕"
    page.click("[data-view-of=shelf]")
    page.click("#clear-shelf")
    count(page, ".shelf li", 0)
    assert page.evaluate(SHELF) == []
    again(page)  # it can be put back later too
    page.click("#restore-shelf")
    count(page, ".shelf li", 2)


def test_what_an_occasion_set_is_no_choice_of_the_next_poem(page: Page, address: str) -> None:
    page.fill("#title", "A wedding")
    says(page, "#reading", "應景")
    with page.expect_request("**/v1/fill") as asked:
        compose(page)
    assert asked.value.post_data_json["sheet"]["mood"] == "joyful"
    page.goto("about:blank")
    again(page, address)
    page.click("[data-view-of=shelf]")
    page.locator(".shelf .candidate").click()
    says(page, "#reading", "應景")
    assert page.locator("#title").input_value() == "A wedding"
    assert page.locator("#exclude").input_value() == page.locator("#mood").input_value() == ""
    page.fill("#title", "Condolences")
    says(page, "#reading", "墳鬼")
    with page.expect_request("**/v1/fill") as asked:
        page.click("#go")
    assert asked.value.post_data_json["sheet"]["mood"] == "sad"


def test_the_shelf_has_stars_a_search_and_a_file(
    page: Page, browser: Browser, address: str, tmp_path: Path
) -> None:
    compose(page)
    compose(page, form="七絕")
    page.click("[data-view-of=shelf]")
    page.locator(".star").nth(1).click()
    says(page, ".shelf li:first-child", "五絕")  # starred ones come first
    page.locator(".shelf li:first-child .star:focus").wait_for()
    page.fill("#search", "七絕")
    count(page, ".shelf li", 1)
    page.fill("#search", "")
    with page.expect_download() as download:
        page.click("#export")
    download.value.save_as(tmp_path / "shelf.json")
    page.fill("#search", "五絕")
    page.locator(".shelf li:first-child button").nth(2).click()
    count(page, ".shelf li", 1)  # the other one
    with opened(browser, address) as other:
        other.click("[data-view-of=shelf]")
        other.set_input_files("#import", tmp_path / "shelf.json")
        count(other, ".shelf li", 2)
        count(other, ".star[aria-pressed=true]", 1)
        (tmp_path / "other.json").write_text("{}", encoding="utf-8")
        other.set_input_files("#import", tmp_path / "other.json")
        says(other, "#trouble", "不是舊作")


def test_what_is_put_back_is_all_that_was_cleared_and_replaces_no_newer_work(page: Page) -> None:
    for form in ("五律", "五絕"):
        compose(page, form)
        page.click("[data-view-of=shelf]")
        page.click("#clear-shelf")
        page.click("[data-view-of=compose]")
    edited = edit(page)
    compose(page, form="七絕")
    page.click("[data-view-of=shelf]")
    page.click("#restore-shelf")
    count(page, ".shelf li", 3)
    says(page, ".shelf li:nth-child(2)", edited[0])
    says(page, ".shelf li:nth-child(3)", "五律")


def test_two_tabs_at_one_poem_both_keep_their_work(page: Page, address: str) -> None:
    compose(page)
    other = page.context.new_page()
    again(other, address)
    assert lines(other) == lines(page)
    newer = edit(other)
    page.click("[data-view-of=shelf]")
    page.locator(".star").click()
    page.click("[data-view-of=compose]")
    page.dblclick("#marks")
    for each in (page, other):
        again(each)
        assert lines(each) == newer
    one, two = edit(page), edit(other)
    again(page)
    again(other)
    assert (lines(page), lines(other)) == (one, two)
    other.close()
    compose(page, form="七絕")  # leaves what the other tab did
    again(page)
    page.click("[data-view-of=shelf]")
    count(page, ".shelf li", 3)
    says(page, ".shelf", two[0])


def test_a_browser_that_keeps_nothing_still_takes_back(page: Page) -> None:
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new DOMException('full') } }")
    compose(page)
    first = lines(page)
    compose(page, form="七絕")
    page.click("#undo")
    assert lines(page) == first
    page.click("[data-view-of=shelf]")
    count(page, ".shelf li", 2)


def test_where_there_is_no_more_room_the_oldest_goes(page: Page) -> None:
    compose(page, form="七律")
    compose(page)
    (oldest,) = page.evaluate(f"{SHELF}.filter(key => localStorage[key].includes('七律'))")
    page.evaluate(
        """() => {
            for (let text = "x".repeat(2 ** 23), n = 0; text; )
                try { localStorage.setItem(`full.${n++}`, text) }
                catch { text = text.slice(Math.ceil(text.length / 2)) }
        }"""
    )
    before = page.evaluate(SHELF)
    edited = edit(page)
    kept = page.evaluate(SHELF)
    assert oldest not in kept
    assert {oldest, *kept} == set(before)
    again(page)
    assert lines(page) == edited


def test_a_full_shelf_loses_one_for_a_new_poem_and_none_for_a_change(page: Page) -> None:
    compose(page)
    page.evaluate(
        f"""() => {{
            const desk = JSON.parse(localStorage[{SHELF}[0]]);
            for (let n = 1; n < {MOST}; n++)
                localStorage["pingze.desk." + n] = JSON.stringify({{ ...desk, id: String(n), when: n }});
        }}"""
    )
    edit(page)
    assert len(page.evaluate(SHELF)) == MOST
    compose(page, form="七絕")
    kept = page.evaluate(SHELF)
    assert len(kept) == MOST
    assert "pingze.desk.1" not in kept
    assert "pingze.desk.2" in kept
