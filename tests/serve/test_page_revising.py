"""What a person does with a poem that is there, and what asks for another model or the corpus, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import pingze
from tests.corpus.invented import line, write_folder
from tests.serve.page import (
    Open,
    Serve,
    again,
    answers_held,
    bring,
    compose,
    count,
    lines,
    link,
    opened,
    put,
    says,
    send,
)

pytestmark = pytest.mark.slow


BORROWED = ("春山入遠鐘", "落月大江東", "細雨無人至", "孤燈一夜紅")
"""Its first line rhymes in 冬, the others in 東."""
UNRHYMED = ("江上春風起", "山中夜雨深", "孤舟人去遠", "明月照寒林")
WIDTH = 5


def choose(page: Page, line: int, position: int) -> None:
    page.locator(f"#sheet [data-line='{line}'][data-position='{position}']").click()


def lock(page: Page, line: int, position: int) -> None:
    choose(page, line, position)
    page.click("#lock")


def test_what_is_locked_stays_when_all_else_is_drawn_again(page: Page) -> None:
    compose(page)
    before = lines(page)
    assert page.locator("#see-originality").is_hidden()  # without a corpus
    for place in ((1, 2), (3, 5)):
        lock(page, *place)
    with page.expect_request("**/v1/fill") as asked:
        page.click("#redraw")
    assert "".join(asked.value.post_data_json["sheet"]["lines"]).count("＿") == 18
    assert asked.value.post_data_json["sheet"]["kept"] == ["01000", "00000", "00001", "00000"]
    says(page, "#news", "得詩")
    says(page, "#go", "作")
    after = lines(page)
    assert (after[0][1], after[2][4]) == (before[0][1], before[2][4])
    assert after != before
    assert pingze.check("，".join(after)).ok
    count(page, "#sheet .cell.locked", 2)
    page.click("#undo")
    assert lines(page) == before
    count(page, "#sheet .cell.locked", 2)
    page.click("#redo")
    assert lines(page) == after


def test_one_of_several_lines_is_chosen(page: Page) -> None:
    compose(page, "七絕")
    before = lines(page)
    lock(page, 2, 1)
    page.click("#other-lines")
    page.locator(".line-choice >> nth=1").wait_for()
    count(page, "#alternatives .hint", 0)
    others = page.locator(".line-choice").all_inner_texts()
    assert 2 <= len(others) == len({*others, before[1]}) - 1 <= 4
    assert {line[0] for line in others} == {before[1][0]}
    page.locator(".line-choice").nth(1).click()
    count(page, ".line-choice", 0)
    count(page, "#sheet [data-line='2'][data-position='1']:focus", 1)
    assert lines(page) == [before[0], others[1], *before[2:]]
    assert pingze.check("，".join(lines(page))).ok
    page.click("#undo")
    assert lines(page) == before


def test_two_changes_at_once_are_both_done(open_page: Open) -> None:
    page = open_page(after=link(*UNRHYMED, form="五古"))
    with answers_held(page, "check"):
        for row, character in ((1, "河"), (2, "天")):
            choose(page, row, 1)
            put(page, character)
    assert lines(page) == ["河上春風起", "天中夜雨深", *UNRHYMED[2:]]
    page.click("#undo")
    assert lines(page) == ["河上春風起", *UNRHYMED[1:]]


def test_while_a_poem_is_written_no_change_is_lost(page: Page) -> None:
    compose(page)
    original = lines(page)
    lock(page, 4, 1)
    choose(page, 2, 1)
    own = page.locator(".alternative .character").last.inner_text()
    with answers_held(page, "fill"):
        page.click("#go")
        put(page, own)
        says(page, "#trouble", "你改的留著")
    says(page, "#go", "作")
    changed = original[1].replace(original[1][0], own, 1)
    assert lines(page) == [original[0], changed, *original[2:]]
    page.click("#undo")
    assert lines(page) == original


def test_trouble_goes_when_the_sheet_is_another_one(page: Page) -> None:
    compose(page, poems=2)
    another = [
        lambda: page.click("#undo"),
        lambda: page.click("#redo"),
        lambda: page.click("#lock"),
        lambda: page.locator(".draft .candidate").last.click(),
    ]
    for act in another:
        choose(page, 4, WIDTH)
        put(page, "山" * 9)
        says(page, "#trouble", "從這裡起只有")
        act()
        page.locator("#trouble").wait_for(state="hidden")


def test_a_late_answer_about_the_choices_takes_no_newer_trouble_away(page: Page) -> None:
    choose(page, 1, 1)
    with answers_held(page, "conflicts"):
        with page.expect_request("**/v1/conflicts"):
            page.fill("#title", "秋夜")
        put(page, "zebra")
        says(page, "#trouble", "不識英文：zebra")
    page.evaluate("async () => { await fetch('/v1/health'); }")  # it comes after the answer
    assert page.locator("#trouble").is_visible()
    page.select_option("#count", "2")
    assert page.locator("#trouble").is_hidden()


def test_what_is_drawn_again_can_be_stopped(page: Page) -> None:
    compose(page)
    before = lines(page)
    assert page.locator("#redraw").is_hidden()  # only where something is locked
    lock(page, 1, 1)
    page.route("**/v1/fill", lambda _: None)
    page.click("#redraw")
    says(page, "#go", "止")
    page.locator("#progress").wait_for()
    page.click("#go")
    says(page, "#news", "已止")
    says(page, "#go", "作")
    page.unroute("**/v1/fill")
    assert lines(page) == before
    assert page.locator("#trouble").is_hidden()
    page.click("#redraw")
    says(page, "#news", "得詩")
    assert lines(page) != before


def test_where_all_is_locked_nothing_is_drawn_again(open_page: Open) -> None:
    locks = " ".join(f"{row}.{at}" for row in range(1, 5) for at in range(1, 6))
    page = open_page(after=link(*BORROWED, form="五絕", locks=locks))
    count(page, "#sheet .cell.locked", 20)
    page.click("#redraw")
    says(page, "#trouble", "無可重寫")
    assert lines(page) == list(BORROWED)


def test_a_character_of_ones_own_may_break_a_rule_and_is_mended_around(page: Page) -> None:
    welcome = lines(page)
    compose(page)
    before = lines(page)
    choose(page, 3, 2)
    put(page, "国⼀")  # read as any other Simplified character is, and a radical as its character
    says(page, "#news", "換作国一")
    says(page, "#sheet [data-line='3'][data-position='2']", "國")  # once the server has read it
    assert lines(page)[2][1:3] == "國一"
    count(page, "#sheet .locked[data-line='3']", 2)
    page.click("#undo")
    assert lines(page) == before
    choose(page, 2, WIDTH)
    put(page, "月")  # of an oblique tone, where a level rhyme must stand
    count(page, f"#sheet .faulty[data-line='2'][data-position='{WIDTH}']", 1)
    says(page, "#faults", f"第2句第{WIDTH}字「月」")
    says(page, "#facts", "押")
    page.click("#lock")  # it may change
    page.click("#mend")
    count(page, "#sheet .faulty", 0)
    after = lines(page)
    assert pingze.check("，".join(after)).ok
    for there in (None, None, before):
        page.click("#undo")
        assert there is None or lines(page) == there
    page.click("#undo")  # leads to the poem that stood there before
    assert lines(page) == welcome
    assert page.locator("#undo").is_disabled()


def test_a_poem_gets_a_title_and_a_seal_of_ones_own(
    page: Page, browser: Browser, address: str
) -> None:
    compose(page)
    send(page, "#entitle")
    page.fill("#heading", "無題")
    page.fill("#seal", "某某")
    page.click("#entitling .seal-button")
    says(page, "#sheet h2", "無題")
    says(page, "#sheet .seal", "某某")
    page.wait_for_function("() => document.title.startsWith('無題')")
    send(page, "#link")
    says(page, "#news", "只在這臺機器上")
    with opened(browser, address, after=page.evaluate("location.hash")) as other:
        says(other, "#sheet h2", "無題")
        says(other, "#sheet .seal", "某某")
        steps = other.evaluate("history.length")
        again(other)
        assert other.evaluate("history.length") == steps
        send(other, "#entitle")
        other.click("#entitling .seal-button")
        compose(other)
        says(other, "#sheet .seal", "平仄")  # and not that of the linked poem
    send(page, "#entitle")
    page.evaluate("document.querySelector('#choices').requestSubmit()")
    says(page, "#news", "得詩")
    page.click("#entitling .seal-button")
    says(page, "#trouble", "請再試")  # another poem is there


def test_a_seal_in_latin_letters_is_as_long_as_a_name_and_no_seal_is_cut_in_silence(
    page: Page,
) -> None:
    send(page, "#entitle")
    page.fill("#seal", "一二三四五")
    page.click("#entitling .seal-button")
    count(page, "#seal:invalid", 1)
    page.click("#entitling .plain")
    page.locator("#entitling").wait_for(state="hidden")
    send(page, "#entitle")
    page.fill("#seal", "Catherine O'Neil")
    page.click("#entitling .seal-button")
    says(page, "#sheet .seal", "Catherine O'Neil")


def test_a_title_of_ones_own_stays_over_the_next_poem_to_the_same_subject(page: Page) -> None:
    page.fill("#title", "秋夜")
    compose(page)
    send(page, "#entitle")
    page.fill("#heading", "秋夜有懷")
    page.click("#entitling .seal-button")
    compose(page)
    says(page, "#sheet h2", "秋夜有懷")
    page.fill("#title", "江雪")
    compose(page)
    says(page, "#sheet h2", "江雪")
    page.fill("#title", "")
    compose(page)
    count(page, "#sheet h2", 0)


def test_title_and_poet_stay_with_the_poem(open_page: Open, page: Page) -> None:
    page.fill("#title", "秋夜")
    page.click("#more > summary")
    page.fill("#poet", "李白")
    with page.expect_request("**/v1/fill") as asked:
        compose(page)
    assert {"title": "秋夜", "poet": "李白"}.items() <= asked.value.post_data_json["sheet"].items()
    says(page, "#sheet .heading", "秋夜擬李白")
    choose(page, 1, 1)
    with page.expect_request("**/v1/alternatives") as revised:
        page.click("#redraw-line")
    assert revised.value.post_data_json["sheet"]["title"] == "秋夜"
    says(page, "#news", "已重寫")
    says(page, "#sheet .heading", "秋夜擬李白")
    page = open_page(after=page.evaluate("location.hash"))
    says(page, "#sheet .heading", "秋夜擬李白")
    assert page.locator("#title").input_value() == "秋夜"
    assert page.locator("#poet").input_value() == "李白"


def test_an_example_takes_its_choices_with_it(page: Page) -> None:
    page.click("#try-acrostic")
    says(page, "#bound", "藏頭 林月如")
    page.locator("button.candidate").nth(2).wait_for()
    says(page, "#go", "作")
    page.fill("#title", "秋夜")
    count(page, "#bound li:not([data-name=title])", 0)
    page.fill("#title", "秋夜思")
    with page.expect_request("**/v1/fill") as asked:
        page.click("#go")
    assert "acrostic" not in asked.value.post_data_json["sheet"]


def test_a_first_line_is_marked_where_it_rhymes(page: Page) -> None:
    for verse, feet in ((BORROWED, 3), (UNRHYMED, 2)):
        bring(page, "，".join(verse))
        says(page, "#sheet .caption", "無病")
        count(page, "#sheet .cell.rhymes", feet)
        count(page, f"#sheet .rhymes[data-line='1'][data-position='{WIDTH}']", feet - 2)


def test_each_line_is_compared_with_the_corpus(
    serve_corpus: Serve, open_page: Open, tmp_path: Path
) -> None:
    verse = (line(500), "山水風月花", "天地江海人", line(507)[:4] + "家")
    address = serve_corpus(write_folder(tmp_path / "poems"))
    page = open_page(link(*verse, form="五古"), address)
    pressed = page.locator("#marks").evaluate("node => getComputedStyle(node).backgroundColor")
    page.click("#see-originality")
    count(page, ".shared li", 4)
    says(page, "#nearness", "4 句之中有 1 句是古人的成句。")
    rows = page.locator(".shared li")
    assert rows.nth(0).inner_text().split("\n") == [
        verse[0],
        f"同「{verse[0]}」 張甲《六》",
        f"最相近：「{verse[0]}」（5 字同）張甲《六》",
    ]
    assert rows.nth(1).inner_text().split("\n") == [verse[1], "無相同字串"]
    assert f"同「{verse[3][:4]}」" in rows.nth(3).inner_text()
    expect(rows.nth(3)).to_be_in_viewport()
    expect(page.locator("#see-originality")).to_have_css("background-color", pressed)
    page.locator("#see-originality").press("Enter")
    assert page.locator(".shared").is_hidden()
