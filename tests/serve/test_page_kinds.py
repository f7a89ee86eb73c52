"""詞, couplets, 集句 and standards of rhyme on the page, in a real browser."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

import pingze
from tests.corpus.invented import QUOTED, write_quoted
from tests.serve.page import (
    Open,
    Serve,
    again,
    bring,
    choose,
    compose,
    count,
    lines,
    link,
    opened,
    put,
    says,
    send,
    type_at,
)

pytestmark = pytest.mark.slow


TUNE = (
    "秋色蕭蕭葉滿枝",
    "天涯何處是歸期",
    "人間無事不堪悲",
    "今夜思君腸欲斷",
    "別來流淚鬢成絲",
    "此時情緒只如斯",
)


def choose_tune(page: Page, typed: str, name: str) -> None:
    page.locator(".chip", has_text="詞").click()
    page.fill("#tune_search", typed)
    page.locator(f'#tune option[value="{name}"]').wait_for()
    page.select_option("#tune", name)


def test_enter_in_the_search_for_a_tune_writes_nothing(page: Page) -> None:
    choose_tune(page, "忆江", "憶江南")
    page.press("#tune_search", "Enter")
    assert page.locator("#go").inner_text() == "作"
    page.press("#title", "Enter")
    assert page.locator("#go").inner_text() == "止"


@pytest.mark.parametrize(("typed", "language"), [("忆江", "zh-TW"), ("yi jiang", "en-US")])
def test_a_tune_is_found_and_composed_to(open_page: Open, typed: str, language: str) -> None:
    page = open_page(language=language)
    choose_tune(page, typed, "憶江南")
    page.fill("#title", "秋思")
    page.click("#more > summary")
    assert page.locator("#rhyme option").count() == 15  # the level parts of 詞林正韻, and any
    page.fill("#start", "何處好，")
    type_at(page, 3, 3, "月")
    compose(page, form="詞")
    poem = lines(page)
    assert [len(line) for line in poem] == [3, 5, 7, 7, 5]
    assert (poem[0], poem[2][2]) == ("何處好", "月")
    assert pingze.check("，".join(poem), form="憶江南").ok
    says(page, "#sheet h2", "憶江南·秋思")
    assert page.locator("#sheet .mark").all_inner_texts() == list("，。，。。")
    count(page, "#sheet .rhymes", 3)
    count(page, "#sheet .locked", 4)


def test_a_tune_is_revised_by_its_own_widths(open_page: Open) -> None:
    verse = ("何處好", "江上月明時", "萬里秋風吹木葉", "一聲羌笛起相思", "人去雁來遲")
    page = open_page(after=link(*verse, form="憶江南"))
    page.locator("#sheet [data-line='1'][data-position='2']").click()
    # 1) What is too long for the poem is refused and stays in its field; what finds room goes on in
    # the next line, and is locked.
    put(page, "山" * 27)
    says(page, "#trouble", "從這裡起只有 26 字的位置，寫了 27 字。")
    assert (lines(page), page.locator("#own").input_value()) == (list(verse), "山" * 27)
    put(page, "日月山")
    says(page, "#sheet .line >> nth=1", "山")
    assert lines(page) == ["何日月", "山" + verse[1][1:], *verse[2:]]
    count(page, "#sheet .locked", 3)
    page.click("#undo")
    assert lines(page) == list(verse)
    # 2) A place may be weighed, a line drawn again.
    page.locator("#sheet [data-line='5'][data-position='1']").click()
    page.locator(".alternative").first.wait_for()
    page.click("#lock")
    page.click("#redraw-line")
    says(page, "#news", "已重寫")
    after = lines(page)
    assert (after[:4], after[4][0]) == (list(verse[:4]), "人")
    assert pingze.check("，".join(after), form="憶江南").ok
    # 3) The look inside knows the place of each token.
    page.click("[data-view-of=inside]")
    page.locator("#inside-surprise .bar[data-token='5']").click()
    count(page, "#sheet [aria-selected=true][data-line='2'][data-position='2']", 1)


def test_a_fault_of_a_tune_is_mended_around(open_page: Open) -> None:
    faulty = (*TUNE[:5], "此時情緒只如天")
    page = open_page(after=link(*faulty, form="浣溪沙", locks="6.1"))
    count(page, "#sheet .stanza", 2)
    count(page, "#sheet .faulty", 1)
    page.click("#mend")
    says(page, "#news", "無病")
    assert pingze.check("，".join(lines(page)), form="浣溪沙").ok
    bring(page, "，".join(faulty))
    says(page, "#sheet .caption", "浣溪沙")
    says(page, "#sheet .caption", "1 處不合")
    count(page, "#sheet .stanza", 2)


def test_a_couplet_is_written_to_a_line_or_to_a_subject(open_page: Open) -> None:
    page = open_page()
    page.locator(".chip", has_text="對聯").click()
    page.fill("#line", "山中無一事人")
    page.select_option("#count", "1")
    page.click("#go")
    page.locator("#sheet .line >> nth=1").filter(has_text="人").wait_for()
    upper, lower = lines(page)
    assert (lower, len(upper)) == ("山中無一事人", 6)
    page.locator("#sheet [role=gridcell]").nth(1).click()
    assert page.locator("#redraw-line").is_hidden()
    page.fill("#line", "")
    page.fill("#title", "新春")
    page.fill("#length", "5")
    page.click("#go")
    says(page, "#news", "得詩")
    assert len(page.locator("#sheet h2").inner_text()) == 4  # 橫批
    assert [len(line) for line in lines(page)] == [5, 5]
    page.locator("#sheet .sign", has_text=re.compile("[○●◐]")).first.wait_for()
    poem = lines(page)
    again(page)
    assert lines(page) == poem


def test_the_verdict_on_a_couplet_tells_of_its_antithesis(open_page: Open) -> None:
    page = open_page(after=link("江月隨人遠", "山花照水明", form="對聯"))
    page.click("#see-verdict")
    says(page, "#notes", "對仗只憑一張字表粗略看過，工不工請自己斟酌。")
    type_at(page, 1, 1, "我來自東")
    says(page, "#notes", "對仗：第 1、2 句對得勉強")
    assert "字表" not in page.inner_text("#notes")


def test_without_a_corpus_it_is_said_how_to_fetch_one(page: Page) -> None:
    page.locator(".chip", has_text="集句").click()
    says(page, "#form_what", "pingze corpus fetch")


def test_quotes_name_poets(serve_corpus: Serve, open_page: Open, tmp_path: Path) -> None:
    quoting = serve_corpus(write_quoted(tmp_path / "poems"))
    page = open_page(address=quoting, refused=2)
    page.locator(".chip", has_text="集句").click()
    compose(page)
    sources = {line: f"{line}　張甲《{n}》" for n, line in enumerate(QUOTED, 1)}
    assert lines(page) in (QUOTED, QUOTED[2:] + QUOTED[:2])
    assert page.locator(".quotes li").all_inner_texts() == [sources[line] for line in lines(page)]
    send(page, "#link")
    says(page, "#news", "網址已複製")
    copied = page.evaluate("navigator.clipboard.readText()")
    page.locator("#sheet [data-line='2'][data-position='1']").click()
    put(page, "誰")
    says(page, ".quotes li >> nth=1", "第2句已非古人成句。")
    other = open_page(copied[copied.index("#") :], quoting)
    count(other, ".quotes li", 4)
    page.locator(".chip", has_text="七絕").click()  # in which no line is old
    page.click("#go")
    says(page, "#clash", "不許重字")  # an option that the page does not have
    page.fill("#quoted", "張丁")
    page.click("#go")
    page.wait_for_timeout(500)  # longer than a choice waits until it is asked about
    says(page, "[data-field=poets] .at-field", "張丁")


def test_a_quoted_line_is_drawn_again(serve_corpus: Serve, open_page: Open, tmp_path: Path) -> None:
    other = "千山對月明"
    folder = write_quoted(tmp_path / "poems")
    poem = {
        "title": "5",
        "author": "張乙",
        "text": f"人人人人人，{other}。人人人人人，人人人人人。",
    }
    (folder / "4.json").write_text(json.dumps([poem]), encoding="utf-8")
    page = open_page(address=serve_corpus(folder))
    page.locator(".chip", has_text="集句").click()
    compose(page)
    rows = {line: f"{line}　張甲《{n}》" for n, line in enumerate(QUOTED, 1)} | {
        other: f"{other}　張乙《5》"
    }
    first = lines(page)
    # the one that has a substitute
    at = next(n for n, line in enumerate(first) if line in (QUOTED[1], other))
    page.locator(f"#sheet [data-line='{at + 1}'][data-position='1']").click()
    page.click("#redraw-line")
    says(page, "#news", "已重寫")
    second = lines(page)
    assert {first[at], second[at]} == {QUOTED[1], other}
    assert page.locator(".quotes li").all_inner_texts() == [rows[line] for line in second]
    page.click("#other-lines")
    count(page, "#alternatives .hint", 0)
    page.locator(".line-choice").click()
    count(page, ".line-choice", 0)
    assert lines(page) == first
    assert page.locator(".quotes li").all_inner_texts() == [rows[line] for line in first]


def test_old_lines_are_chosen_beside_any_form(page: Page) -> None:
    quotes, form = page.locator("#collect"), page.locator("[name=form]:checked")
    for other in ("詞", "對聯"):
        page.locator(".chip", has_text=other).click()
        page.locator(".chip", has_text="集句").click()
        assert (form.input_value(), quotes.is_checked()) == ("七絕", True)
    page.locator(".chip", has_text="五律").click()
    assert (form.input_value(), quotes.is_checked()) == ("五律", True)
    page.locator(".chip", has_text="詞").click()
    assert not quotes.is_checked()


BOXES = "const [a, b] = [...document.querySelectorAll('#sheet .stanza')].map((each) => each.getBoundingClientRect());"
SET_BESIDE = f"() => {{ {BOXES} return b?.y === a?.y && b?.right < a?.x; }}"
SET_BELOW = f"() => {{ {BOXES} return b?.y >= a?.bottom; }}"


def test_stanzas_stand_beside_each_other_where_there_is_room(
    browser: Browser, address: str
) -> None:
    long = ["一" * width for width in (5, 5, 6, 5, 6, 6, 5, 5, 5, 3, 3, 3, 6, 5, 6, 6, 5, 5, 5)]
    for verse, form, phone, beside in (
        (TUNE, "浣溪沙", False, True),
        (TUNE, "浣溪沙", True, True),
        (long, "水調歌頭", False, False),
        (long, "水調歌頭", True, False),
    ):
        with opened(browser, address, phone=phone, after=link(*verse, form=form)) as page:
            page.locator("#sheet :is(.rhymes, .faulty)").first.wait_for()
            # each answer draws the sheet again
            page.wait_for_function(SET_BESIDE if beside else SET_BELOW)


def test_a_standard_is_of_composing_and_of_checking(page: Page) -> None:
    choose(page, "standard", "tongyun")
    page.click("#more > summary")
    page.select_option("#rhyme", "啊")
    compose(page)
    says(page, "#sheet .caption", "啊韻 · 中華通韻")
    poem = "，".join(lines(page))
    assert pingze.check(poem, standard="tongyun").ok
    count(page, "#sheet .faulty", 0)
    bring(page, poem)
    says(page, "#sheet .caption", re.compile("中華通韻.*無病"))
    choose(page, "standard", "pingshui")
    bring(page, poem)
    says(page, "#sheet .caption", re.compile("^(?!.*中華通韻)"))
