"""Each path of the page in a real browser, by mouse and by keyboard, against a real server."""

import re

import pytest
from playwright.sync_api import Browser, Page

import pingze
from tests.serve.page import choose, compose, count, lines, link, opened, says, type_at

pytestmark = pytest.mark.slow

PATIENCE = 5000  # milliseconds, as page/api.js has it


def test_poems_side_by_side_keep_what_is_asked(page: Page) -> None:
    page.click("#more > summary")
    page.fill("#acrostic", "春夏秋冬")
    compose(page, poems=2)
    count(page, "button.candidate", 2)
    assert [line[0] for line in lines(page)] == list("春夏秋冬")
    assert pingze.check("，".join(lines(page))).ok
    first = lines(page)
    page.locator("button.candidate").nth(1).click()
    assert lines(page) != first
    count(page, "#sheet .cell.locked", 4)
    page.click("#marks")
    assert page.locator(".with-marks").count() == 0


def test_choices_are_asked_for_in_the_types_of_their_options(page: Page) -> None:
    """A switch too, of which the page has none yet but 集句."""
    switch = "<input type=checkbox name=repeat checked>"
    add = "(node, html) => node.insertAdjacentHTML('beforeend', html)"
    page.locator("#more").evaluate(add, switch)
    with page.expect_request("**/v1/fill") as asked:
        compose(page)
    sheet = asked.value.post_data_json["sheet"]
    assert sheet["repeat"] is True
    assert (sheet["count"], sheet["temperature"], sheet["level"]) == (1, 0.8, "customary")


def test_what_clashes_is_shown_at_its_field_and_place(page: Page) -> None:
    page.locator(".chip", has_text="五絕").click()
    page.click("#more > summary")
    page.fill("#start", "明月")
    type_at(page, 1, 1, "山")
    says(page, "#clash", "山")
    count(page, "#sheet .faulty[data-line='1'][data-position='1']", 1)
    assert page.locator("[data-field=start].clashes").count() == 0  # the opening can be kept
    page.locator("#clash .remedy").click()
    count(page, "#sheet .faulty", 0)
    count(page, ".at-field", 0)
    count(page, "#sheet .blank", 20)


def test_a_character_is_weighed_replaced_locked_and_taken_back_by_keyboard(page: Page) -> None:
    compose(page)
    before = lines(page)
    page.locator("#sheet [role=gridcell][tabindex='0']").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.line") == "2"
    page.keyboard.press("Enter")
    page.locator(".alternative:focus").wait_for()
    chosen = page.locator(".alternative:focus .character").inner_text()
    page.keyboard.press("Enter")
    page.locator("#sheet [role=gridcell]:focus", has_text=chosen).wait_for()
    assert lines(page)[1][1] == chosen
    assert pingze.check("，".join(lines(page))).ok
    count(page, "#sheet .cell.locked", 1)  # what is chosen is kept
    page.keyboard.press("l")
    count(page, "#sheet .cell.locked", 0)
    page.keyboard.press("l")
    count(page, "#sheet .cell.locked", 1)
    page.keyboard.press("r")
    count(page, "#undo:not([disabled])", 1)
    says(page, "#news", re.compile("已重寫"))
    assert lines(page)[1][1] == chosen
    assert [lines(page)[at] for at in (0, 2, 3)] == [before[at] for at in (0, 2, 3)]
    for _ in range(4):
        page.keyboard.press("Control+z")
    assert lines(page) == before
    page.keyboard.press("Control+Shift+z")
    assert lines(page)[1][1] == chosen


def test_markup_in_a_title_stays_text(browser: Browser, address: str) -> None:
    verse = ("春山入遠鐘", "落月大江東", "細雨無人至", "孤燈一夜紅")
    after = link(*verse, form="五絕", title="<img src=x onerror=alert(1)>")
    with opened(browser, address, after=after) as page:
        says(page, "#sheet h2", "<img")
        assert page.locator("#sheet img").count() == 0


def test_the_look_inside_tells_how_to_read_it(page: Page) -> None:
    compose(page)
    page.locator("#sheet [role=gridcell]").nth(7).click()
    page.click("[data-view-of=inside]")
    count(page, "#inside .figure", 4)
    count(page, "#inside-surprise .bar", 25)
    count(page, "#inside-reach .bar", 9)  # one line with its mark, and three characters
    count(page, "#inside-gates thead [data-token]", 25)
    number = page.locator("#inside-gates tbody [data-token='0'] span").first
    assert number.bounding_box()["width"] == 1  # for a screen reader only
    page.check("#numbers")
    assert number.bounding_box()["width"] > 20
    before = page.locator("#inside-gates .chart").inner_html()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.fill("#unit", "2")
    page.locator("#unit").press("Enter")
    page.locator("#unit[value='2']").wait_for()
    assert page.locator("#inside-gates .chart").inner_html() != before
    assert asked == []  # all units came at once
    assert page.locator("#numbers").is_checked()
    assert all(len(text) > 20 for text in page.locator("#inside .figure > .hint").all_inner_texts())


def test_the_look_inside_answers_to_the_poem_to_buttons_and_to_the_slider(page: Page) -> None:
    page.click("[data-view-of=inside]")
    # 1) Units that know something are offered first.
    best = page.locator("#inside-gates .known button").first
    assert re.search(r"R² 0\.\d\d", best.inner_text())
    assert best.get_attribute("aria-pressed") == "true"
    other = page.locator("#inside-gates .known button").nth(1)
    other.click()
    count(page, "#inside-gates .known button:nth-child(2)[aria-pressed=true]", 1)
    assert page.locator("#unit").input_value() in other.inner_text()
    # 2) A picture points to the poem, and its columns choose a character.
    page.locator("#inside-reach .bar").first.wait_for()
    page.locator("#inside-surprise .bar[data-token='10']").hover()
    count(page, "#sheet .here[data-line='2'][data-position='3']", 1)
    count(page, "#inside-gates .here[data-token='10']", 7)
    page.locator("#inside-surprise .bar[data-token='10']").click()
    count(page, "#sheet [aria-selected=true][data-line='2'][data-position='3']", 1)
    count(page, "#inside-reach .bar", 11)
    # 3) Temperature reshapes what comes next as one drags.
    page.locator("#inside-next .next li").first.wait_for()
    shares = []
    for temperature in ("0.3", "1", "2"):
        page.fill("#next-temperature", temperature)
        shares.append(
            float(page.locator("#inside-next small").first.inner_text().removesuffix(" %"))
        )
    assert shares[0] > shares[1] > shares[2]
    says(page, "#next-says", "個字裡挑一個")


def test_what_is_no_longer_wanted_is_called_off(page: Page, address: str) -> None:
    page.click("[data-view-of=inside]")
    page.locator("#inside-reach .bar").first.wait_for()
    page.evaluate("""() => {
        const [real, signals] = [window.fetch, window.signals = []];
        window.fetch = (address, options) => {
            if (!address.endsWith("/next")) return real(address, options);
            signals.push(options.signal);
            if (signals.length > 1) return real(address, options);
            const gone = new DOMException("", "AbortError");
            return new Promise((_, no) => options.signal.addEventListener("abort", () => no(gone)));
        };
    }""")
    page.locator("#sheet [role=gridcell]").nth(3).click()
    page.wait_for_function("() => signals.length === 1")
    count(page, "#inside-next", 0)  # and not what was true of another place
    page.locator("#sheet [role=gridcell]").nth(4).click()
    page.locator("#inside-next").wait_for()
    assert page.evaluate("signals.map((signal) => signal.aborted)") == [True, False]


def test_language_script_and_theme(browser: Browser, address: str) -> None:
    with opened(browser, address, phone=True, language="en-US") as page:
        says(page, "#go", "Compose")
        choose(page, "language", "zh")
        says(page, "#go", "作")
        choose(page, "script", "simplified")
        page.click("#fold")
        says(page, ".chip >> nth=0", "五绝")
        assert page.evaluate("document.documentElement.lang") == "zh-Hans"
        choose(page, "theme", "dark")
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_refusal_is_one_line_and_what_failed_once_is_asked_again(
    browser: Browser, address: str
) -> None:
    """Composing, a reason, and the parts of the look inside."""
    with opened(browser, address, refused=5) as page:
        page.clock.install()
        for route in ("fill", "check", "units", "next", "reach"):
            page.route(
                f"**/v1/{route}",
                lambda asked: asked.fulfill(status=503, json={"detail": "too much to do"}),
                times=1,
            )
        page.click("#go")
        says(page, "#trouble", "too much to do")
        page.locator("#sheet [role=gridcell]").first.click()
        page.locator(".alternative").first.click()
        says(page, "#sheet .caption", "too much to do")
        page.click("#marks")
        says(page, "#sheet .caption", "too much to do")
        page.click("[data-view-of=inside]")
        count(page, "#inside .clash", 4)
        page.clock.fast_forward(PATIENCE)
        page.locator("#sheet [role=gridcell]").first.click()
        count(page, "#sheet .caption .clash", 0)
        count(page, "#inside .figure", 4)
