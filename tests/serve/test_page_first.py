"""What a reader finds who comes for the first time, in a real browser: what this is, examples, words that are told."""

import re
from importlib.resources import files

import pytest
from playwright.sync_api import Browser, Page

import pingze
from pingze.composing.options import MOST_LINES, Composing
from tests.serve.page import choose, compose, count, lines, opened, says

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("language", "signs"),
    [
        ("zh", ("一、二聲", "古入聲", "一豎", "實框", "虛框")),
        ("en", ("entering tone", "bar", "dashed frame")),
    ],
)
def test_help_says_what_level_and_oblique_and_the_marks_are(
    language: str, signs: tuple[str, ...]
) -> None:
    about = files("pingze").joinpath("serve", "page", f"about.{language}.html")
    text = about.read_text(encoding="utf-8")
    assert [sign for sign in signs if sign not in text] == []


def test_a_poem_stands_there_and_sliders_where_composing_begins(page: Page) -> None:
    says(page, "#intro", "依格律作詩")
    page.locator("#sheet .rhymes").first.wait_for()
    assert pingze.check("，".join(lines(page))).ok
    assert page.locator("[name=form]:checked").input_value() == "七絕"
    page.wait_for_function("() => location.hash.length > 40")  # it has a link too
    assert page.locator("#title").input_value() == ""  # and binds nothing
    page.click("#more > summary")
    for name in ("temperature", "antithesis"):
        assert float(page.locator(f"#{name}").input_value()) == getattr(Composing, name)
        says(page, f"#{name}_value", str(getattr(Composing, name)))
    page.click("[data-view-of=shelf]")
    count(page, ".shelf li", 0)
    says(page, "#shelf-hint", re.compile("^還沒有舊作"))


def test_an_acrostic_and_a_title_at_one_click(page: Page, browser: Browser, address: str) -> None:
    page.click("#try-acrostic")
    says(page, "#news", "得詩 3 首")
    assert "".join(line[0] for line in lines(page))[:3] == "林月如"
    assert page.locator("#acrostic").input_value() == "林月如"
    assert page.locator("#intro").is_hidden()
    with opened(browser, address, language="en-US") as page:
        says(page, "#try-title", "月夜, in the manner of 李白")
        page.click("#try-title")
        says(page, "#sheet .heading", "月夜")
        assert page.locator("#poet").input_value() == "李白"
    with (
        opened(browser, address, language="en-US") as page,
        page.expect_request("**/v1/fill") as asked,
    ):
        page.click("#try-english")
    assert asked.value.post_data_json["sheet"]["title"] == "江雪"


def test_a_poem_is_checked_at_one_click(page: Page) -> None:
    """登高 where the corpus is there, else a poem with a fault: either way there is a verdict."""
    of_corpus = "登高" in page.locator("#try-check").inner_text()
    page.click("#try-check")
    says(page, "#sheet .caption", "七律" if of_corpus else "1 處不合")
    if not of_corpus:
        page.locator("#faults .open-place").first.wait_for()


def test_words_are_told_at_a_tap(page: Page) -> None:
    says(page, "#form_what", "絕句：四句")
    page.locator(".chip", has_text="七排").hover()
    says(page, "#form_what", "排律")
    page.click("#more > summary")
    tip, note = (
        page.locator("[data-field=level] .tip summary"),
        page.locator("[data-field=level] .tip-text"),
    )
    assert note.is_hidden()
    tip.click()
    assert note.is_visible()
    tip.press("Enter")
    assert note.is_hidden()
    choose(page, "language", "en")
    page.click("[data-field=temperature] .tip summary")
    says(page, "[data-field=temperature] .tip-text", "likeliest character")


def test_about_help_and_source_are_links(page: Page) -> None:
    for name in ("關於", "怎麼用", "源碼"):
        page.locator(".foot a", has_text=name).click()
        says(page, "h1 >> nth=0", "關於平仄")
        page.go_back()
        page.locator("body[data-ready]").wait_for()
    choose(page, "language", "en")
    page.locator(".foot a", has_text="Help").click()
    says(page, "h1 >> nth=0", "About pingze")
    assert page.locator("p", has_text="。").count() == 0  # one language


def test_about_is_in_the_script_and_the_colours_of_its_reader(
    browser: Browser, address: str
) -> None:
    with opened(browser, address, language="zh-CN") as page:
        choose(page, "theme", "dark")
        page.locator(".foot a", has_text="怎么用").click()
        says(page, "h1", "关于平仄")
        says(page, ".prose", "复制网址")
        assert page.evaluate("document.documentElement.lang") == "zh-Hans"
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_no_more_lines_are_drawn_than_can_be_composed(browser: Browser, address: str) -> None:
    with opened(browser, address, refused=1) as page:
        page.locator(".chip", has_text="五古").click()
        page.click("#more > summary")
        page.fill("#lines", "1000000")
        count(page, "#sheet .line", MOST_LINES)
        page.locator("[data-field=lines] .at-field").wait_for()


def test_without_javascript_the_page_says_so_at_the_top(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    box = page.locator("noscript .trouble").bounding_box()
    assert box is not None
    assert box["y"] < 60
    context.close()


def test_readers_of_english_are_told_how_to_read_and_how_it_sounds(
    browser: Browser, address: str
) -> None:
    with opened(browser, address, language="en-US") as page:
        says(page, "#sheet .how-to-read", "from the right-hand column to the left")
        cell = page.locator("#sheet [data-line='1'][data-position='1']")
        says(page, ".by-word li >> nth=0", re.compile("qiū yè\\s*autumn night"))
        says(
            page,
            "#sheet .caption",
            "Quatrain, 7 syllables · begins oblique, first line rhymes · has the old rhyme 庚",
        )
        says(page, ".chip >> nth=5", "Octave, 7 syllables")
        cell.click()
        says(page, "#inspector h2", re.compile("qiū\\s*autumn; fall; year\\s*line 1, character 1"))
        page.locator(".alternative .means", has_text=re.compile("[a-z]")).first.wait_for()
        says(page, "#rhyme", "-ong")
        choose(page, "language", "zh")
        count(page, "#sheet .by-word", 0)
        count(page, "#sheet .how-to-read", 0)


def test_a_double_click_and_a_key_held_down_compose_once(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.select_option("#count", "1")
    page.dblclick("#go")
    for place in ("", "#title", "#go"):
        if place:
            page.focus(place)
            for _ in range(9):
                page.keyboard.down("Enter")
            page.keyboard.up("Enter")
        says(page, "#news", re.compile("得詩"))
        says(page, "#go", "作")
    assert len([url for url in asked if url.endswith("/v1/fill")]) == 3


MONKS_AND_REIGNS = [
    "齊己",
    "貫休",
    "皎然",
    "寒山",
    "無可",
    "延壽",
    "居遁",
    "拾得",
    "靈一",
    "尚顏",
    "寶誌",
    "薩都剌",
    "成鷲",
    "胤禛",
    "乾隆",
]
"""The poets that have no surname, in the order in which the page lists them."""


def test_poets_have_their_names_in_english(browser: Browser, address: str) -> None:
    with opened(browser, address, language="en-US") as page:
        says(page, "#try-title", "李白 Li Bai")
        options = page.locator("#poets option").evaluate_all(
            "all => all.map((one) => [one.value, one.label])"
        )
        names = {
            "李白": "Li Bai",
            "白居易": "Bai Juyi",
            "司空圖": "Sikong Tu",
            "岑參": "Cen Shen",
            "朱熹": "Zhu Xi",
            "沈佺期": "Shen Quanqi",
            "司馬紮": "Sima Zha",
        }
        assert names.items() <= dict(options).items()
        # monks, and emperors by their reign
        assert [poet for poet, name in options if len(name.split()) < 2] == MONKS_AND_REIGNS
        page.click("#more > summary")
        page.fill("#poet", "bai juyi")
        with page.expect_request("**/v1/fill") as asked:
            compose(page)
        assert asked.value.post_data_json["sheet"]["poet"] == "白居易"
        says(page, "#sheet .heading", "after 白居易 Bai Juyi")
        page.fill("#poet", "李白")
        says(page, "#bound", "李白 Li Bai")
    with opened(browser, address) as page:
        assert set(
            page.locator("#poets option").evaluate_all("all => all.map((one) => one.text)")
        ) == {""}


def test_how_a_request_was_read_is_told_in_both_languages(browser: Browser, address: str) -> None:
    for language, told in (("zh-TW", "「发」認作「發」。"), ("en-US", "发 was read as 發")):
        with opened(browser, address, language=language) as page:
            page.fill("#title", "發")
            compose(page)
            assert page.locator("#reading").inner_text() == ""
            page.fill("#title", "发")
            compose(page)
            says(page, "#reading", told)
            page.fill("#title", "")
            assert page.locator("#reading").inner_text() == ""


COMPOSED = """(node, typed) => {
    node.value = typed;
    node.dispatchEvent(new InputEvent("input", { bubbles: true, isComposing: true }));
}"""


def test_english_is_read_as_characters_and_stays_as_the_heading(
    browser: Browser, address: str
) -> None:
    with opened(browser, address, language="en-US") as page:
        page.fill("#title", "snow on the river")
        says(page, "#reading", "river snow → 江雪")
        with page.expect_request("**/v1/fill") as asked:
            compose(page)
        assert asked.value.post_data_json["sheet"]["title"] == "江雪"
        assert "heading" not in asked.value.post_data_json["sheet"]
        says(page, "#sheet h2", "snow on the river")
        page.fill("#title", "秋嘅夜")  # 嘅 the model does not know; what was written stays
        compose(page)
        says(page, "#sheet h2", "秋嘅夜")
        page.fill("#title", " in the ")
        page.locator("#title").evaluate(COMPOSED, "qiu")
        assert page.locator("#reading").inner_text() == ""  # it is not yet written
        page.dispatch_event("#title", "compositionend")
        says(page, "#reading", "Not known: qiu.")
        page.fill("#title", "autumn zebra")
        says(page, "#reading", "Not known, and left out: zebra.")
        page.click("#more > summary")
        page.fill("#title", "")
        page.fill("#include", "moon")
        with page.expect_request("**/v1/fill") as asked:
            page.click("#go")
        assert asked.value.post_data_json["sheet"]["include"] == "月"
