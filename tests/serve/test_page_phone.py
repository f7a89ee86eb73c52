"""The page on a phone, in a real browser: what a thumb touches is large, and the poem stays in sight."""

import pytest
from playwright.sync_api import Browser, Locator

from tests.serve.page import compose, lines, opened, says

pytestmark = pytest.mark.slow

TOUCH = 44
MARK = 9


def box(node: Locator) -> dict[str, float]:
    while not (found := node.evaluate("node => node.getBoundingClientRect().toJSON()"))["width"]:
        node.wait_for()  # the sheet was drawn again meanwhile
    return dict(found)


def test_cells_and_marks_are_large_and_eight_lines_fit(browser: Browser, address: str) -> None:
    with opened(browser, address, phone=True) as page:
        compose(page, form="七律")
        cells = page.locator("#sheet [role=gridcell]")
        for at in (0, 13, 55):
            cell = box(cells.nth(at))
            assert min(cell["width"], cell["height"]) >= TOUCH
        assert (
            page.locator(".sign").first.evaluate("n => parseFloat(getComputedStyle(n).fontSize)")
            >= MARK
        )
        assert box(cells.first)["x"] + TOUCH <= 390
        assert box(cells.last)["x"] >= 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_could_stand_there_comes_from_below(browser: Browser, address: str) -> None:
    with opened(browser, address, phone=True) as page:
        compose(page, form="七律")
        before = lines(page)
        cell = page.locator("#sheet [data-line='8'][data-position='7']")
        cell.click()
        page.locator(".alternative").first.wait_for()
        sheet, seen = box(page.locator("#inspector")), box(cell)
        assert sheet["bottom"] == pytest.approx(box(page.locator(".doing"))["y"], abs=1)
        assert sheet["y"] > 844 / 2.2
        assert 0 < seen["y"] < seen["bottom"] <= sheet["y"]
        assert box(page.locator(".alternative").first)["y"] < 844
        page.locator(".alternative").first.click()
        says(page, "#news", "換作")
        assert lines(page) != before
        page.locator(".close").click()
        assert page.locator("#inspector.open").count() == 0


def test_the_poem_is_seen_first(browser: Browser, address: str) -> None:
    with opened(browser, address, phone=True, language="en-US") as page:
        says(page, "#intro", "Write classical Chinese verse")
        assert box(page.locator("#sheet"))["y"] < 844 / 2


def test_back_closes_what_is_open_and_changes_no_poem(browser: Browser, address: str) -> None:
    with opened(browser, address, phone=True) as page:
        compose(page, form="七律")
        before = lines(page)
        page.click("#fold")
        assert page.locator("#forms").is_visible()
        page.go_back()
        page.locator("#forms").wait_for(state="hidden")
        page.locator("#sheet [role=gridcell]").nth(3).click()
        page.locator(".alternative").first.wait_for()
        page.go_back()
        page.locator(".inspector.open").wait_for(state="hidden")
        assert lines(page) == before


def test_composing_is_always_in_reach_and_landscape_has_the_sheet_from_below(
    browser: Browser, address: str
) -> None:
    with opened(browser, address, phone=True) as page:
        for width, height in ((390, 844), (844, 390)):
            page.set_viewport_size({"width": width, "height": height})
            for top in (0, 2000):
                page.evaluate("top => scrollTo(0, top)", top)
                go = box(page.locator("#go"))
                assert 0 < go["y"] < go["bottom"] <= height
        page.evaluate("scrollTo(0, 0)")
        page.locator("#sheet [role=gridcell]").nth(3).click()
        page.locator(".alternative").first.wait_for()
        bar = box(page.locator(".doing"))["y"]
        assert box(page.locator("#inspector"))["bottom"] == pytest.approx(bar, abs=1)
        assert box(page.locator(".alternative").first)["bottom"] <= bar
        assert box(page.locator("#undo"))["bottom"] <= 390


@pytest.mark.parametrize("language", ["zh-TW", "en-US"])
def test_where_a_link_reaches_nobody_it_is_said_what_does(
    browser: Browser, address: str, language: str
) -> None:
    with opened(browser, address, phone=True, language=language) as page:
        page.locator("#sheet .rhymes").first.wait_for()
        page.click("#send")
        hint = page.locator("#only-here")
        for instead in ("#copy", "#make-card"):
            assert page.locator(instead).inner_text() in hint.inner_text()
        assert box(hint)["x"] >= 0
        assert box(hint)["right"] <= 390
        page.click("#link")
        says(page, "#news", hint.inner_text())
