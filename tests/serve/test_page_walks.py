"""What people who had never seen the page stumbled over, in a real browser: nothing is cut off, hidden or unsaid."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.serve.page import compose, opened, says

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow


def rect(page: "Page", selector: str) -> dict[str, Any]:
    """Where the first such element is."""
    found: dict[str, Any] = page.locator(selector).first.evaluate(
        "node => node.getBoundingClientRect().toJSON()"
    )
    return found


def fits(page: "Page", selector: str) -> bool:
    """Whether all that an element holds is in sight."""
    return bool(page.locator(selector).evaluate("node => node.scrollWidth <= node.clientWidth"))


def test_an_octave_with_its_meanings_fits_and_stays_in_its_place(browser: "Browser", address: str) -> None:
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


def test_about_and_help_are_one_column_with_the_way_back_in_sight(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        for anchor in ("", "#help"):
            page.goto(f"{address}/page/about.en.html{anchor}")
            assert rect(page, ".prose h1")["x"] == rect(page, ".prose p")["x"]
            assert rect(page, ".prose a")["y"] >= 0


def test_a_tip_hides_nothing(browser: "Browser", address: str) -> None:
    with opened(browser, address, phone=True, language="zh-CN") as page:
        page.click("#fold")
        page.click("#more > summary")
        page.click("[data-field=acrostic] .tip summary")
        tip, asks = rect(page, "[data-field=acrostic] .tip-text"), rect(page, "#acrostic")
        assert tip["bottom"] <= asks["y"]


def test_a_form_and_a_subject_move_nothing(browser: "Browser", address: str) -> None:
    with opened(browser, address, language="en-US") as page:
        before = rect(page, "#go")
        page.fill("#title", "autumn night")
        says(page, "#reading", "秋夜")
        assert rect(page, "#go") == before
        page.locator(".chip", has_text="五律").click()
        assert rect(page, "#go") == before


def test_on_its_side_a_phone_shows_the_poem_beside_what_is_chosen(browser: "Browser", address: str) -> None:
    with opened(browser, address, phone=True) as page:
        page.set_viewport_size({"width": 844, "height": 390})
        compose(page)
        page.locator("#sheet .cell").first.click()
        page.locator("#inspector .alternative").first.wait_for()
        assert rect(page, "#sheet .lines")["right"] <= rect(page, "#inspector")["x"]
        page.click("#inspector .close")
        page.click("#make-card")
        page.locator("#card-preview img").wait_for()
        assert rect(page, "#close-card")["bottom"] <= 390
