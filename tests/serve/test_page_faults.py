"""Faults that readers met more than once, each in a real browser: none of them comes back."""

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

import pingze
from tests.serve.page import (
    Open,
    again,
    answers_held,
    bring,
    choose,
    compose,
    count,
    lines,
    link,
    says,
    type_at,
)

pytestmark = pytest.mark.slow


FOLDER = Path(pingze.__file__).parent / "serve" / "page"
PATIENCE = 5000  # milliseconds, as page/api.js has it
OUT_OF_RHYME = "黃昏明月似霜生，夜壓行雲白帝城。高影入槐西岸雪，雁樓橫笛夢中月。"
VERSE = ("春山入遠鐘", "落月大江東", "細雨無人至", "孤燈一夜紅")


def rect(page: Page, selector: str) -> dict[str, Any]:
    """Where the first such element is."""
    found: dict[str, Any] = page.locator(selector).first.evaluate(
        "node => node.getBoundingClientRect().toJSON()"
    )
    return found


def style(page: Page, selector: str, name: str) -> str:
    """How the first such element is drawn."""
    script = "(node, name) => getComputedStyle(node)[name]"
    return str(page.locator(selector).first.evaluate(script, name))


def test_tunes_are_found_by_pinyin_on_the_chinese_page(page: Page) -> None:
    page.locator(".chip", has_text="詞").click()
    page.fill("#tune_search", "yi jiang")
    page.wait_for_function("() => document.querySelectorAll('#tune option').length < 10")
    page.select_option("#tune", "憶江南")
    says(page, "#sheet .heading", "憶江南")


def test_a_verdict_comes_by_itself_when_the_server_is_back(open_page: Open) -> None:
    page = open_page(refused=1)
    page.clock.install()
    page.route("**/v1/check", lambda route: route.abort(), times=1)
    type_at(page, 1, 1, "山")
    says(page, "#sheet .caption", "沒有回應")
    page.clock.fast_forward(PATIENCE)
    says(page, "#sheet .caption", re.compile("不合|無病"))


def test_undo_after_a_replacement_leads_to_the_pasted_poem(page: Page) -> None:
    bring(page, OUT_OF_RHYME)
    before = lines(page)
    page.locator("#faults .open-place").click()
    page.locator(".alternative:focus").wait_for()
    page.keyboard.press("Enter")
    says(page, "#sheet .caption", "無病")
    page.keyboard.press("Control+z")
    assert lines(page) == before


@pytest.mark.parametrize("width", [320, 360, 390])
@pytest.mark.parametrize("language", ["en-US", "zh-TW"])
def test_a_narrow_page_is_no_wider_than_its_window(
    open_page: Open, width: int, language: str
) -> None:
    page = open_page(phone=True, language=language)
    page.set_viewport_size({"width": width, "height": 700})
    page.locator("#sheet .rhymes").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in (".tab", "#go", "#count"):
        assert rect(page, name)["right"] <= width
        assert rect(page, name)["height"] < 50  # one line


def test_a_long_poem_stands_in_tiers_that_are_all_in_sight(page: Page) -> None:
    page.locator(".chip", has_text="五排").click()
    page.fill("#lines", "24")
    count(page, "#sheet .line", 24)
    scroll = page.locator("#sheet .scroll")
    assert scroll.evaluate("node => node.scrollWidth <= node.clientWidth")
    type_at(page, 1, 1, "山")
    page.click("[data-view-of=shelf]")
    small = rect(page, ".shelf .small-line")
    assert small["right"] <= rect(page, ".shelf .candidate")["right"]


def test_what_a_click_opened_stays_in_sight_while_one_scrolls(page: Page) -> None:
    compose(page, poems=3)
    page.locator("#sheet [role=gridcell]").first.click()
    page.locator(".alternative").first.wait_for()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert rect(page, "#inspector")["top"] >= 0
    assert rect(page, "#inspector")["top"] < 100
    for name in ("#go", "#undo"):
        assert 0 <= rect(page, name)["top"] < 860


def test_forced_colours_show_what_is_chosen(page: Page) -> None:
    page.locator("#sheet .rhymes").first.wait_for()
    page.locator("#sheet [role=gridcell]").nth(3).click()
    page.emulate_media(forced_colors="active")
    for chosen, other in (
        (".chip:has(:checked)", ".chip:not(:has(:checked))"),
        (".tab[aria-current]", ".tab:not([aria-current])"),
        ("[role=gridcell][aria-selected=true]", "[role=gridcell][aria-selected=false]"),
        ("#marks", "#bring"),
    ):
        assert style(page, chosen, "outlineStyle") == "solid"
        assert style(page, other, "outlineStyle") != "solid"


def test_a_line_of_a_couplet_is_worded_otherwise(open_page: Open) -> None:
    verse = ("山重水複疑無路", "柳暗花明又一村")
    page = open_page(after=link(*verse, form="對聯"))
    page.locator("#sheet [data-line='2'][data-position='3']").click()
    page.locator(".line-choice").first.wait_for()
    other = page.locator(".line-choice").first.inner_text()
    page.locator(".line-choice").first.click()
    says(page, "#sheet .line >> nth=1", other[0])
    assert lines(page) == [verse[0], other]


def test_fewer_poems_than_were_asked_for_are_told(page: Page) -> None:
    couplet = {"upper": "山色", "lower": "江聲", "banner": "", "seed": 0, "model": ""}
    page.route("**/v1/couplet", lambda route: route.fulfill(json={"couplets": [couplet]}))
    page.locator(".chip", has_text="對聯").click()
    page.click("#go")
    says(page, "#reading", "求 3 首，不同的只得 1 首；")


def test_a_banner_goes_when_the_work_succeeds(open_page: Open) -> None:
    page = open_page(refused=1)
    page.route("**/v1/fill", lambda route: route.abort(), times=1)
    page.click("#go")
    says(page, "#trouble", "沒有回應")
    page.click("#go")
    says(page, "#news", "得詩")
    page.locator("#trouble").wait_for(state="hidden")


def test_a_page_that_is_not_built_takes_no_clicks(browser: Browser, address: str) -> None:
    context = browser.new_context(locale="zh-TW")
    page = context.new_page()
    answers = []
    page.route("**/v1/forms", lambda route: answers.append(route))
    page.goto(address)
    page.locator("#go").wait_for(state="attached")
    page.wait_for_function("() => document.querySelector('main').inert")
    while not answers:
        page.wait_for_timeout(50)
    answers[0].abort()
    says(page, "#trouble", "沒有回應")
    page.unroute("**/v1/forms")
    page.locator("body[data-ready]").wait_for()  # as soon as the server answers
    assert not page.evaluate("document.querySelector('main').inert")
    assert page.locator("#trouble").is_hidden()
    context.close()


def test_a_poem_that_another_tab_removed_does_not_come_back(page: Page, address: str) -> None:
    compose(page)
    other = page.context.new_page()
    again(other, address)
    other.click("[data-view-of=shelf]")
    other.locator(".shelf li button").nth(2).click()
    count(other, ".shelf li", 0)
    compose(page, form="七絕")
    page.click("[data-view-of=shelf]")
    count(page, ".shelf li", 1)
    says(page, ".shelf", "七絕")
    other.close()


def test_a_wrong_rhyme_is_none_in_a_link(page: Page) -> None:
    bring(page, OUT_OF_RHYME)
    count(page, "#sheet .rhymes", 2)
    page.wait_for_function("() => location.hash.length > 100")
    page.wait_for_timeout(300)
    packed = page.evaluate("location.hash").removeprefix("#")
    text = zlib.decompress(base64.urlsafe_b64decode(packed + "=="), wbits=-15)
    marks = json.loads(text)[1][11]
    assert [at for at, mark in enumerate(marks) if mark == "3"] == [6, 13]


def test_readings_and_parts_are_told_in_english(open_page: Open) -> None:
    verse = ("何處好", "江上月明時", "萬里秋風吹木葉", "一聲羌笛起相思", "人去雁來遲")
    page = open_page(language="en-GB", after=link(*verse, form="憶江南"))
    says(page, "#sheet .caption", "part 3 of the rhymes of ci")
    page.locator("#sheet [data-line='2'][data-position='5']").click()
    says(page, "#facts", "level, has the old rhyme 支")


def test_composing_is_in_sight_with_all_choices_open(page: Page) -> None:
    page.click("#more > summary")
    page.locator("#temperature").scroll_into_view_if_needed()
    assert 0 <= rect(page, "#go")["top"] < rect(page, "#go")["bottom"] <= 860


def test_one_thing_has_one_name_and_one_colour(page: Page) -> None:
    words = json.loads((FOLDER / "words.json").read_text("utf-8"))
    said = "".join(chinese for chinese, _ in words.values())
    assert "詩箋" in said
    assert "卡片" not in said
    assert len({words[name][0] for name in ("close", "cancel", "fold")}) == 3
    assert not [chinese for chinese, _ in words.values() if "並" in chinese]  # 並觀 beside 並看
    assert not [english for _, english in words.values() if "around it" in english]
    help_page = (FOLDER / "about.zh.html").read_text("utf-8")
    named = set(re.findall("「(.+?)」", help_page))
    assert named <= {chinese for chinese, _ in words.values()}
    bring(page, OUT_OF_RHYME)
    page.locator("#sheet .faulty").wait_for()
    colours = {
        style(page, "#sheet .rhymes .character", "color"),
        style(page, "#sheet .faulty .character", "color"),
        style(page, "#go", "backgroundColor"),
    }
    assert len(colours) == 3


def test_what_could_stand_at_a_place_is_ranked_by_the_whole_poem(page: Page) -> None:
    """And not by how frequent its characters are, of which the checker's first would be 相."""
    bring(page, "孤館寒燈照夜長，他鄉歲月幾時□。北風吹雁過江去，一夜相思滿地霜。")
    with page.expect_response("**/v1/alternatives") as answer:
        page.locator("#sheet .blank").click()
    ranked = [one["text"] for one in answer.value.json()["alternatives"]]
    page.locator(".alternative").first.wait_for()
    assert page.locator(".alternative .character").all_inner_texts() == ranked
    assert ranked[0] != "相"


DAMAGES: dict[str, Any] = {
    "chosen": {"chosen": "length"},
    "ask": {"entries": [{"ask": None, "now": None, "past": [], "future": []}]},
    "time": {"when": "now"},
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_shelf_file_is_refused_whole(page: Page, tmp_path: Path, name: str) -> None:
    compose(page)
    shelf = json.loads(
        page.evaluate(
            "JSON.stringify({ pingze: Object.entries(localStorage)"
            ".filter(([key]) => key.startsWith('pingze.desk')).map(([, text]) => JSON.parse(text)) })"
        )
    )
    (desk,) = shelf["pingze"]
    damaged = desk | DAMAGES[name] | {"id": "other"}
    if name == "ask":
        damaged["entries"] = [desk["entries"][0] | {"ask": None}]
    file = tmp_path / "shelf.json"
    file.write_text(json.dumps({"pingze": [desk | {"id": "sound"}, damaged]}), encoding="utf-8")
    page.click("[data-view-of=shelf]")
    page.set_input_files("#import", file)
    says(page, "#trouble", "不是舊作")
    count(page, ".shelf li", 1)


def test_a_damaged_desk_in_the_store_stops_no_visit(page: Page) -> None:
    compose(page)
    page.evaluate(
        "() => { const key = Object.keys(localStorage).find((one) => one.startsWith('pingze.desk'));"
        "const desk = JSON.parse(localStorage[key]);"
        "localStorage['pingze.desk.9-9'] = JSON.stringify({ ...desk, id: '9-9', chosen: 'length', when: 9e15 }) }"
    )
    again(page)
    count(page, "#sheet .line", 4)


@pytest.mark.parametrize("number", [5_000, 100_000])
def test_a_link_of_too_many_lines_is_told_at_once(open_page: Open, number: int) -> None:
    page = open_page(after=link(*["山" * 5] * number, form="五古"))
    says(page, "#trouble", "殘缺")
    count(page, "#sheet .line", 4)


def test_a_link_of_the_page_before_opens_with_its_fixed_characters_locked(open_page: Open) -> None:
    facts = ["五絕", "仄起首句不入韻", "東", "鐘聲", "", "", "", "tang"]
    asked = {"pattern": "＿山＿＿鐘 ＿＿＿＿＿ ＿＿＿＿＿ ＿＿＿＿＿", "level": "strict"}
    text = json.dumps([" ".join(VERSE), facts, asked])
    packed = base64.urlsafe_b64encode(zlib.compress(text.encode(), wbits=-15)).decode()
    page = open_page(after="#" + packed.rstrip("="))
    assert lines(page) == list(VERSE)
    count(page, "#sheet .locked", 2)
    assert page.locator("#level").input_value() == "strict"
    with page.expect_request("**/v1/fill") as asked_for:
        page.click("#go")
    assert asked_for.value.post_data_json["sheet"]["lines"][0] == "＿山＿＿鐘"


def test_a_shelf_file_of_the_page_before_opens(page: Page, tmp_path: Path) -> None:
    poem = {
        "form": "五絕",
        "template": "仄起首句不入韻",
        "rhyme": "東",
        "title": None,
        "poet": None,
        "seed": 3,
        "model": "tang",
        "lines": list(VERSE),
        "log_probability": -60.5,
    }
    step = {"poem": poem, "locks": ["1.2"], "changes": None}
    entry = {"ask": {"form": "五絕", "level": "strict"}, "now": step, "past": [step], "future": []}
    desk = {
        "id": "1-2",
        "entries": [entry],
        "chosen": 0,
        "before": None,
        "after": None,
        "when": 1764500000000,
        "star": True,
    }
    file = tmp_path / "shelf.json"
    file.write_text(json.dumps({"pingze": [desk]}), encoding="utf-8")
    page.click("[data-view-of=shelf]")
    page.set_input_files("#import", file)
    page.locator(".shelf .candidate").click()
    assert lines(page) == list(VERSE)
    count(page, "#sheet .locked", 1)


def test_a_couplet_of_another_draft_is_kept_in_four_actions(page: Page) -> None:
    page.locator(".chip", has_text="七律").click()
    page.fill("#title", "秋夜登樓")
    page.click("#go")
    count(page, ".draft", 3)
    couplet = page.locator(".draft >> nth=1").locator(".couplet-of >> nth=2")
    text = re.sub(r"\W", "", couplet.locator(".verse").inner_text())
    couplet.locator(".keep_couplet").click()
    count(page, "#sheet .locked", 14)
    says(page, "#go", "作")
    assert "".join(lines(page)[4:6]) == text
    count(page, ".draft", 3)
    others = [draft.inner_text() for draft in page.locator(".draft").all()]
    assert len(set(others)) == 3
    page.click("#undo")
    count(page, "#sheet .locked", 0)


def test_the_hint_is_there_until_a_character_was_changed(page: Page) -> None:
    says(page, "#sheet .caption", "點一字可換")
    page.locator("#sheet [role=gridcell]").first.click()
    page.locator(".alternative").first.click()
    page.locator("#sheet .caption .hint").wait_for(state="hidden")
    again(page)
    count(page, "#sheet .caption .hint", 0)


def test_a_click_at_a_lines_foot_opens_other_wordings_of_it(open_page: Open) -> None:
    page = open_page(after=link(*VERSE, form="五絕"))
    page.locator("#sheet .mark").nth(2).click()
    page.locator(".line-choice").first.wait_for()
    text = page.locator(".line-choice").first.inner_text()
    page.locator(".line-choice").first.click()
    says(page, "#sheet .line >> nth=2", text[0])
    assert lines(page) == [*VERSE[:2], text, VERSE[3]]


def test_a_form_of_the_same_lines_judges_what_stands(page: Page) -> None:
    before = lines(page)
    page.locator(".chip", has_text="七古").click()
    says(page, "#sheet .caption", "七古")
    assert lines(page) == before
    page.locator(".chip", has_text="五律").click()
    count(page, "#sheet .blank", 40)
    page.click("#undo")
    says(page, "#sheet .caption", "七古")
    assert lines(page) == before
    assert page.locator("[name=form]:checked").input_value() == "七古"


def test_what_a_phone_shares_is_the_text(browser: Browser, address: str) -> None:
    context = browser.new_context(locale="zh-TW", viewport={"width": 390, "height": 844})
    context.add_init_script("navigator.share = async (what) => { window.shared = what }")
    page = context.new_page()
    again(page, address)
    page.locator("#sheet .rhymes").first.wait_for()
    page.click("#send")
    page.click("#share")
    page.wait_for_function("() => window.shared")
    assert re.sub(r"\W", "", page.evaluate("shared.text")).endswith("".join(lines(page)))
    context.close()


def test_the_language_of_the_names_changes_with_the_page(page: Page) -> None:
    choose(page, "language", "en")
    says(page, "#go", "Compose")
    with answers_held(page, "fill"):
        page.click("#go")
        says(page, "#go", "Stop")
    says(page, "#go", "Compose")
