"""Passing a poem on, in a real browser: links short enough to paste, and cards that look the same everywhere."""

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.serve.page import (
    Open,
    choose,
    compose,
    count,
    lines,
    link,
    opened,
    says,
    send,
    type_at,
    without_chinese_fonts,
)
from tests.serve.process import SECONDS, code_in, serving

pytestmark = pytest.mark.slow

LONGEST_LINK = 300
INK, RED, PAPER = (0x21, 0x1C, 0x16), (0xA5, 0x30, 0x1E), (0xF8, 0xF4, 0xEA)
NAMES = "春夏秋冬東南西北"


def ask_for_all(page: Page) -> None:
    """Compose a 七律 with title, poet and acrostic."""
    page.fill("#title", "秋夜登樓")
    page.click("#more > summary")
    page.fill("#poet", "李白")
    page.fill("#acrostic", NAMES)
    compose(page, form="七律")


def linked(page: Page) -> str:
    """Copy the link; what follows the page's address in it."""
    send(page, "#link")
    says(page, "#news", "網址已複製")
    link: str = page.evaluate("navigator.clipboard.readText()")
    return link[link.index("#") :]


def save(page: Page, path: Path) -> Path:
    """Save the card."""
    with page.expect_download() as download:
        page.click("#png")
    download.value.save_as(path)
    return path


def test_a_link_is_short_and_holds_poem_locks_and_choices(
    page: Page, browser: Browser, address: str
) -> None:
    compose(page, form="七絕")
    assert len(address + "/" + linked(page)) <= LONGEST_LINK
    send(page, "#copy")
    says(page, "#news", re.compile("^已複製"))
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.replace("\n", "") == "{}，{}。{}，{}。".format(*lines(page))
    ask_for_all(page)
    poem = lines(page)
    assert re.fullmatch(r"#[\w-]+", linked(page))
    assert page.title().startswith("秋夜登樓")
    page.locator("#sheet [role=gridcell]").nth(10).click()
    page.click("#lock")
    count(page, "#sheet .locked", len(NAMES) + 1)
    with opened(browser, address, after=linked(page)) as page:
        assert lines(page) == poem
        for name, value in (("acrostic", NAMES), ("title", "秋夜登樓"), ("poet", "李白")):
            assert page.locator(f"#{name}").input_value() == value
        assert page.locator("[name=form]:checked").input_value() == "七律"
        count(page, "#sheet .locked", len(NAMES) + 1)
        asked = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
        assert not [url for url in asked if url.endswith("/fill")]


def test_choices_of_every_kind_come_back(page: Page, browser: Browser, address: str) -> None:
    page.click("#more > summary")
    page.select_option("#level", "strict")
    page.select_option("#mood", "calm")
    texts = {
        "temperature": "0.5",
        "exclude": "愁",
        "start": "明月，",
        "acrostic": "明 江",
        "about": "江雪 孤舟",
    }
    for name, value in texts.items():
        page.fill(f"#{name}", value)
    compose(page)
    type_at(page, 3, 1, "江")
    count(page, "#sheet .locked", 4)
    link, poem = linked(page), lines(page)
    with opened(browser, address, after=link) as page:
        assert lines(page) == poem
        for name, value in {**texts, "level": "strict", "mood": "calm"}.items():
            assert page.locator(f"#{name}").input_value() == value
        count(page, "#sheet .locked", 4)


@pytest.mark.parametrize("link", ["#1", "#!!!!", "#" + "A" * 20_000])
def test_a_link_that_was_cut_is_told(browser: Browser, address: str, link: str) -> None:
    with opened(browser, address, after=link) as page:
        says(page, "#trouble", "殘缺")
        count(page, "#sheet .line", 4)


def test_cards_in_three_papers_with_rhymes_and_acrostic(page: Page, tmp_path: Path) -> None:
    ask_for_all(page)
    send(page, "#make-card")
    page.locator("#card-preview img").wait_for()
    cards = []
    for paper in (2, 1, 0):
        page.locator(".papers .chip").nth(paper).click()
        cards.append(save(page, tmp_path / f"{paper}.png"))
    page.uncheck("#card_marks")
    cards.append(save(page, tmp_path / "plain.png"))
    assert len({card.read_bytes() for card in cards}) == 4
    marked, plain = map(colours, cards[-2:])
    assert plain[PAPER] > plain[INK] > marked[INK]
    assert marked[RED] > plain[RED]  # the seal is red without marks too
    page.keyboard.press("Escape")
    expect(page.locator("#send")).to_be_focused(timeout=SECONDS * 1000)
    # in which the card's Kai, with Taiwan's forms, gives way to the page's font
    choose(page, "script", "simplified")
    grid = page.locator("#sheet [role=grid]")
    assert "CJK SC" in grid.evaluate("node => getComputedStyle(node).getPropertyValue('--card')")


def test_the_seal_of_a_card_is_asked_for_beside_it(page: Page, tmp_path: Path) -> None:
    send(page, "#make-card")
    page.locator("#card-preview img").wait_for()
    before = save(page, tmp_path / "before.png")
    page.click("#entitle-card")
    page.fill("#seal", "晚晴")
    card = page.locator("#card-preview img").get_attribute("src")
    page.locator("#entitling .seal-button").click()
    page.locator(f"#card-preview img:not([src='{card}'])").wait_for()
    assert save(page, tmp_path / "after.png").read_bytes() != before.read_bytes()


def test_an_acrostic_is_marked_on_a_card_as_well_where_it_was_typed_in_simplified(
    open_page: Open, tmp_path: Path
) -> None:
    verse = ("曉夜聞鐘鼓", "樂此共登臨", "雨過千山綠", "林深一徑陰")
    cards = []
    for typed in ("曉樂雨林", "晓乐雨林"):
        page = open_page(link(*verse, form="五絕", acrostic=typed))
        page.locator("#sheet .sign", has_text="◎").first.wait_for()
        send(page, "#make-card")
        page.locator("#card-preview img").wait_for()
        cards.append(colours(save(page, tmp_path / f"{typed}.png"))[RED])
    assert cards[0] == cards[1]


def test_a_card_has_the_code_of_a_link_that_others_can_open(
    page: Page, browser: Browser, tmp_path: Path
) -> None:
    send(page, "#make-card")
    assert code_in(save(page, tmp_path / "here.png")) == ""
    assert page.locator("#with-code").is_hidden()
    public = "https://poems.example.org/"
    with (
        serving(tmp_path, "--public-url", public) as own,
        opened(browser, own.address, refused=1) as page,
    ):
        # of the verdict, for the link
        page.locator("#sheet .sign", has_text=re.compile("[○●◐]")).first.wait_for()
        link = linked(page)
        send(page, "#make-card")
        page.locator("#card_code").wait_for()
        for paper in ("night", "ruled"):
            page.locator(f".papers [value={paper}] + span").click()
            assert code_in(save(page, tmp_path / f"{paper}.png")) == public + link
        page.uncheck("#card_code")
        assert code_in(save(page, tmp_path / "plain.png")) == ""
        page.click("#close-card")
        send(page, "#entitle")
        page.fill("#heading", "春")
        page.route(
            "**/v1/code", lambda route: route.fulfill(status=422, json={"detail": "too long"})
        )
        page.locator("#entitling .seal-button").click()
        send(page, "#make-card")
        says(page, "#trouble", "too long")
        page.locator("#card-preview img").wait_for()  # without a code


def colours(picture: Path) -> dict[Any, int]:
    """How many pixels of a picture have each colour."""
    image = Image.open(picture).convert("RGB")
    return {colour: pixels for pixels, colour in image.getcolors(image.width * image.height) or []}


def test_a_card_is_the_same_without_chinese_fonts(page: Page, address: str, tmp_path: Path) -> None:
    def card(page: Page, name: str) -> dict[Any, int]:
        send(page, "#make-card")
        page.locator("#card-preview img").wait_for()
        return colours(save(page, tmp_path / name))

    here, browser = card(page, "here.png"), page.context.browser
    assert browser is not None
    with without_chinese_fonts(browser, tmp_path) as other, opened(other, address) as page:
        there = card(page, "there.png")
    assert sum(there.values()) == sum(here.values())
    inked = sum(here.values()) - here[PAPER]
    # the edges of strokes may be smoothed differently
    assert abs(there[PAPER] - here[PAPER]) < 0.02 * inked
