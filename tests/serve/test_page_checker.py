"""The checker's sheet in a real browser: what it marks, what it tells, and in which language."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.serve.page import count, lines, opened, says

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

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
LEAST_CONTRAST = 4.5
CONTRAST = """node => {
    const canvas = document.createElement("canvas").getContext("2d");
    const light = (colour) => {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
        const linear = parts.map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const { color, backgroundColor } = getComputedStyle(node);
    const [one, other] = [light(color), light(backgroundColor)].sort((a, b) => b - a);
    return (one + 0.05) / (other + 0.05);
}"""


def check(page: "Page", text: str) -> None:
    page.click("[data-view-of=check]")
    page.fill("#text", text)
    page.click("#checking [type=submit]")
    page.locator(".verdict h2").first.wait_for()


def test_the_sheet_has_its_legend_rhymes_and_readings(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        check(page, FAULTY)
        says(page, ".verdict .legend", "◐ 兩讀")
        count(page, ".verdict .rhymes", 3)
        page.hover(".verdict [data-line='2'][data-position='3']")
        says(page, ".verdict .told", "行：平陽、平庚、去漾、去敬")
        page.focus(".verdict [data-line='1'][data-position='1']")
        page.keyboard.press("Enter")
        says(page, ".verdict .told", "黃：平陽")


def test_what_is_wrong_is_told_in_both_languages(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        check(page, FAULTY)
        says(page, ".faults", "此處須押庚韻；月屬月。")
        says(page, ".faults", "雙句同押一個平聲韻部")
        says(page, ".verdict > .hint >> nth=1", "重字（所在的句）：月 (1, 4)")
        page.fill("#text", FAULTY.replace("高影入槐西岸雪", "高山入槐西岸雪").replace("中月", "中平"))
        page.click("#checking [type=submit]")
        says(page, ".faults", "此處須仄；山屬平。")
        page.click("#language")
        says(page, ".faults", "This place wants oblique; 山 is level.")
        says(page, ".faults", "has the tone of the line before")
        page.click("#script")
        page.click("#language")
        says(page, ".faults", "后联上句的第二字")


def test_no_verdict_stands_beside_another_text(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        check(page, FAULTY)
        page.locator("#text").press_sequentially("山")
        count(page, ".verdict", 0)
        page.click("#checking [type=submit]")
        page.locator(".verdict").wait_for()
        page.select_option("#check_level", "strict")
        count(page, ".verdict", 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_would_fit_can_be_read(browser: "Browser", address: str, scheme: str) -> None:
    with opened(browser, address, scheme=scheme) as page:
        check(page, FAULTY)
        assert page.locator(".fit").first.evaluate(CONTRAST) >= LEAST_CONTRAST
        page.click("[data-view-of=compose]")
        page.locator("#sheet [role=gridcell]").first.click()
        assert page.locator(".alternative").first.evaluate(CONTRAST) >= LEAST_CONTRAST


def test_refusals_are_told_in_the_readers_language(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        page.locator(".chip", has_text="五絕").click()
        page.fill("#start", "山山平平平")
        page.click("#bounds > summary")
        page.select_option("#rhyme", "東")
        says(
            page,
            "#clash",
            "「起首」在第 1 句第 4 字的「平」（該處須仄聲）、「起首」在第 1 句第 5 字的「平」：須捨去，方能成詩。",
        )
        page.fill("#start", "明" * 21)
        says(page, "#clash", "起首有 21 字，至多 20 字。")
        says(page, "[data-field=start] .at-field", "起首有 21 字，至多 20 字。")
    with opened(browser, address, language="en-US") as page:
        page.locator(".chip", has_text="五絕").click()
        page.fill("#start", "明" * 21)
        says(page, "#clash", "start has 21 characters; give 20 at most")


def test_characters_flow_on_into_the_next_places(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        page.locator(".chip", has_text="五絕").click()
        page.click("#bounds > summary")
        page.locator("#plan input").nth(3).fill("明月山水")
        written = page.locator("#plan input").evaluate_all(
            "all => all.map(one => one.value || '＿').join('')"
        )
        assert written.startswith("＿＿＿明月山水＿")
        assert page.evaluate("document.activeElement.dataset.line") == "2"


def test_what_simplified_characters_were_read_as_can_be_corrected(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        check(page, "发短愁多不自知，白云深处有谁期。后来一夜江头雨，复向钟声寄所思。")
        says(page, ".readings", "发 認作")
        chosen = page.locator(".readings [aria-pressed=true]").all_inner_texts()
        assert "".join(chosen).startswith("髮雲後復")
        page.locator(".readings button", has_text="發").click()
        says(page, ".verdict .line >> nth=0", re.compile("發.*短", re.DOTALL))
        text = page.locator("#text").input_value()
        assert text.startswith("發短愁多不自知，白雲深處有誰期。")
        count(page, ".readings", 0)


def test_a_character_that_was_read_in_two_ways_goes_to_the_desk_as_both(
    browser: "Browser", address: str
) -> None:
    with opened(browser, address) as page:
        check(page, TWO_READINGS)
        count(page, ".readings li", 2)
        page.locator(".verdict > button").click()
        assert lines(page) == ["白髮悲明鏡", "青山出發遲", "秋風吹舊夢", "落日入江時"]


def test_one_of_two_readings_is_corrected_alone(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        check(page, "出发\n\n" + TWO_READINGS)
        page.locator(".readings li >> nth=0").get_by_role("button", name="發").click()
        count(page, ".readings", 0)
        assert page.locator("#text").input_value() == (
            "出发\n\n白發悲明鏡，青山出發遲。秋風吹舊夢，落日入江時。"
        )


@pytest.mark.parametrize("how", [".faults .fit >> nth=0", ".mend"])
@pytest.mark.parametrize(
    ("text", "place"), PLACES, ids=["title", "first-line-as-title", "repeated", "second"]
)
def test_what_is_mended_is_the_verse_and_not_its_title(
    browser: "Browser", address: str, text: str, place: int, how: str
) -> None:
    with opened(browser, address) as page:
        check(page, text)
        page.locator(how).click()
        count(page, ".faults > li", 0)
        mended = page.locator("#text").input_value()
        both = zip(text.replace("々", "寂"), mended, strict=True)
        assert [at for at, (one, other) in enumerate(both) if one != other] == [place]


def test_where_the_verse_is_not_found_nothing_is_mended(browser: "Browser", address: str) -> None:
    text = FAULTY.replace("黃", "&#40643;")
    with opened(browser, address) as page:
        check(page, text)
        for how in (".faults .fit >> nth=0", ".mend"):
            page.locator(how).click()
            says(page, "#trouble", "認不出這首詩的字")
            assert page.locator("#text").input_value() == text
        count(page, ".mended", 0)


def test_a_poem_is_mended_and_what_was_changed_is_told(browser: "Browser", address: str) -> None:
    with opened(browser, address) as page:
        check(page, FAULTY)
        page.fill(".mending input", "雁樓")
        page.click(".mend")
        says(page, ".mended", "改了 1 個字")
        says(page, ".mended li", "第4句第7字：月改作")
        says(page, ".verdict h2", "無病")
        mended = page.locator("#text").input_value()
        assert "雁樓" in mended
        assert sum(one != other for one, other in zip(mended, FAULTY, strict=True)) == 1
        page.click("#take-mending-back")
        says(page, ".verdict h2", "1 處不合")
        assert page.locator("#text").input_value() == FAULTY


@pytest.mark.parametrize(("route", "again"), [("mend", False), ("mend", True), ("check", False)])
def test_what_is_written_while_it_mends_stays(
    browser: "Browser", address: str, route: str, again: bool
) -> None:
    with opened(browser, address) as page:
        check(page, FAULTY)
        held: list[Route] = []

        def hold(asked: "Route") -> None:
            held.append(asked)

        page.route(f"**/v1/{route}", hold)
        with page.expect_request(f"**/v1/{route}"):
            page.click(".mend")
        page.fill("#text", "山")
        if again:
            page.click("#checking [type=submit]")
            says(page, ".verdict h2", "不合任何詩體")
        with page.expect_response(f"**/v1/{route}"):
            held[0].continue_()
        page.evaluate("async () => { await fetch('/v1/health'); }")  # it comes after the answer
        assert page.locator("#text").input_value() == "山"
        assert page.locator("#trouble").is_hidden()
        count(page, ".mended", 0)
