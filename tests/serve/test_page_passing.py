"""What is passed on, in a real browser: links short enough to paste, and cards that look the same everywhere."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.serve.page import compose, count, lines, opened, says, without_chinese_fonts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

LONGEST_LINK = 200
NAMES = "春夏秋冬東南西北"
EARLIER_LINK = (
    "1RtSrPE9AMBFDy53I9WqY9vUZvDN4N3KALt_GUlvLSDQ0PI-dHo20FoixADJa9vE52rOUaShRb-MCWeNjMib50b9BAQIUQBAAA"
)


def ask_for_all(page: "Page") -> None:
    """Compose a 七律 with title, poet and acrostic."""
    page.fill("#title", "秋夜登樓")
    page.select_option("#poet", "李白")
    page.click("#bounds > summary")
    page.fill("#acrostic", NAMES)
    compose(page, form="七律")


def save(page: "Page", kind: str, path: Path) -> bytes:
    """The card as it is saved."""
    with page.expect_download() as download:
        page.click(f"#{kind}")
    download.value.save_as(path)
    return path.read_bytes()


def test_a_link_is_short_and_holds_poem_locks_and_choices(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        ask_for_all(page)
        poem = lines(page)
        assert re.fullmatch(r"[\w-]+", page.evaluate("location.hash.slice(1)"))
        assert len(page.evaluate("location.href")) <= LONGEST_LINK
        assert page.title().startswith("秋夜登樓")
        page.locator("#sheet [role=gridcell]").nth(10).click()
        page.click("#lock")
        locked = page.locator("#sheet .locked").count()
        link = page.evaluate("location.hash")
    with opened(browser, address, after=link) as page:
        assert lines(page) == poem
        assert page.locator("#acrostic").input_value() == NAMES
        assert page.locator("#title").input_value() == "秋夜登樓"
        assert page.locator("#poet").input_value() == "李白"
        count(page, "#sheet .locked", locked)
        assert locked == len(NAMES) + 1


def test_a_link_that_was_made_before_poems_had_themes_still_opens(browser: "Browser", address: str) -> None:
    with opened(browser, address, after=f"#{EARLIER_LINK}") as page:
        assert lines(page)[0] == "春山一徑入雲中"
        assert page.locator("[name=form]:checked").input_value() == "七絕"
        assert page.locator("#title").input_value() == "山行"
        assert page.locator("#poet").input_value() == "李白"
        assert page.locator("#acrostic").input_value() == "春夏秋冬"
        assert page.locator("#temperature").input_value() == "0.5"
        count(page, "#sheet .locked", 1)


def test_choices_of_every_kind_come_back(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        page.click("#manner > summary")
        page.fill("#temperature", "0.5")
        page.select_option("#level", "strict")
        page.check("#repeat")
        page.click("#bounds > summary")
        page.fill("#exclude", "愁")
        page.fill("#start", "明月")
        page.fill("#about", "江雪 孤舟")
        page.select_option("#mood", "calm")
        page.locator("#plan [data-line='2'][data-position='1']").fill("江")
        compose(page)
        link, poem = page.evaluate("location.hash"), lines(page)
    with opened(browser, address, after=link) as page:
        assert lines(page) == poem
        chosen = {
            name: page.locator(f"#{name}").input_value()
            for name in ("temperature", "level", "exclude", "start", "about", "mood")
        }
        assert chosen == {
            "temperature": "0.5",
            "level": "strict",
            "exclude": "愁",
            "start": "明月",
            "about": "江雪孤舟",
            "mood": "calm",
        }
        assert page.locator("#repeat").is_checked()
        assert page.locator("#plan [data-line='2'][data-position='1']").input_value() == "江"
        count(page, "#sheet .locked", 3)


def test_spaces_and_marks_in_what_was_asked_for_take_no_place(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        page.click("#bounds > summary")
        page.fill("#acrostic", "春 夏 秋 冬")
        page.fill("#start", "春山，")
        compose(page, form="五律")
        link, poem = page.evaluate("location.hash"), lines(page)
        count(page, "#sheet .locked", 5)
    with opened(browser, address, after=link) as page:
        assert lines(page) == poem
        assert page.locator("#acrostic").input_value() == "春夏秋冬"
        assert page.locator("#start").input_value() == "春山"
        count(page, "#sheet .locked", 5)


def test_a_bound_that_no_link_holds_is_left_out_of_it(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        for original, kept in ((15, 15), (16, None), (None, None)):
            hash_and_back = page.evaluate(
                """async (original) => {
                    const { entryOf, hashOf } = await import("/page/link.js");
                    const { entry } = await import("/page/state.js");
                    const asked = original === null ? {} : { original };
                    return entryOf(hashOf({ ...entry(), ask: asked })).ask.original ?? null;
                }""",
                original,
            )
            assert hash_and_back == kept


def test_where_no_link_holds_the_poem_none_is_copied(browser: "Browser", address: str) -> None:
    facts = json.dumps({"form": "五絕"})
    with opened(browser, address, after=f"#poem=山山.水水&facts={facts}", refused=1) as page:
        page.click("#link")
        says(page, "#news", "連結已複製")
        assert "#poem=" in page.evaluate("navigator.clipboard.readText()")
        page.locator("#sheet [role=gridcell]").first.press("l")
        count(page, "#sheet .locked", 1)
        assert page.evaluate("location.hash") == ""
        page.click("#link")
        says(page, "#trouble", "裝不下這首詩")


@pytest.mark.parametrize("text", ["山水", "ascii ~", "é한글", "𠡠𪚥", "，。？", "\uffff\u2fff\ua000", ""])
def test_any_text_is_packed_and_unpacked(browser: "Browser", address: str, text: str) -> None:
    with opened(browser, address) as page:
        back = page.evaluate(
            """async (text) => {
                const { Packer, Unpacker } = await import("/page/bits.js");
                const into = new Packer();
                into.number(5, 3);
                into.text(text, 8);
                into.flag(true);
                const from = new Unpacker(String(into));
                return [from.number(3), from.text(8), from.flag()];
            }""",
            text,
        )
        assert back == [5, text or None, True]


@pytest.mark.parametrize("link", ["#1", "#1AAAA", "#1!!!!", "#1" + "_" * 400])
def test_a_link_that_was_cut_is_told(browser: "Browser", address: str, link: str) -> None:
    with opened(browser, address, after=link) as page:
        says(page, "#trouble", "殘缺")
        count(page, "#sheet .line", 4)


def test_cards_in_three_papers_with_rhymes_and_acrostic(
    browser: "Browser", address: str, tmp_path: Path
) -> None:
    with opened(browser, address) as page:
        ask_for_all(page)
        poem = lines(page)
        page.click("#make-card")
        page.locator("#card-preview img").wait_for()
        cards = []
        for paper in range(3):
            page.locator(".papers .chip").nth(paper).click()
            cards.append(save(page, "svg", tmp_path / "card.svg").decode())
        assert len(set(cards)) == 3
        drawn = re.findall(r'fill="(#\w+)" data-character="(.)"', cards[0])
        assert "".join(c for _, c in drawn).startswith("秋夜登樓　擬李白" + "".join(poem))
        red = [c for colour, c in drawn if colour == "#a5301e"]
        assert [c for c in red if c in NAMES][:8] == list(NAMES)
        assert poem[1][-1] in red
        page.uncheck("#card_marks")
        plain = save(page, "svg", tmp_path / "card.svg").decode()
        assert 'fill="#e98a74" data-character' not in plain
        assert save(page, "png", tmp_path / "card.png").startswith(b"\x89PNG")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.id") == "make-card"


def card(page: "Page", path: Path) -> bytes:
    """The first poem's card as PNG."""
    page.click("#make-card")
    page.locator("#card-preview img").wait_for()
    return save(page, "png", path)


def test_a_card_is_the_same_without_chinese_fonts(browser: "Browser", address: str, tmp_path: Path) -> None:
    with opened(browser, address) as page:
        here = card(page, tmp_path / "here.png")
    with without_chinese_fonts(browser, tmp_path) as other, opened(other, address) as page:
        assert card(page, tmp_path / "there.png") == here
        page.wait_for_function("[...document.fonts].some(font => font.status === 'loaded')")
