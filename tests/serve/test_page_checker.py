"""The checker's sheet in a real browser: what it marks, what it tells, and in which language."""

import re

import pytest
from playwright.sync_api import Page

import pingze
from tests.serve.page import (
    Open,
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


FAULTY = "黃昏明月似霜生，夜壓行雲白帝城。\n高影入槐西岸雪，雁樓橫笛夢中月。"
PLAIN = "春山入遠鐘，落月大江東，細雨無人至，孤燈一夜紅"
SOUND = (
    "秋夜永無寐，寥寥天籟清。庭虛蟲響澀，窗靜月光生。"
    "蟋蟀聲偏切，茱萸色易明。孤吟感時節，此夕倍淒情。"
)
"""A 五律 without a fault."""
EXCHANGED = SOUND[:24] + SOUND[36:] + SOUND[24:36]
"""The same with its last couplets in each other's place: 失黏."""
WRONG_TONE = "孤舟寒窗下，無人問姓名。閑眠不可見，何處有琴聲。"


def test_the_sheet_has_its_legend_rhymes_and_readings(page: Page) -> None:
    bring(page, FAULTY)
    says(page, "#sheet .legend", "◐ 兩讀")
    count(page, "#sheet .rhymes", 2)  # and not 月, which does not
    page.click("#sheet [data-line='2'][data-position='3']")
    says(page, "#facts", "平陽、平庚、去漾、去敬")


def test_a_ci_is_marked_where_its_tune_rhymes(page: Page) -> None:
    bring(
        page,
        "如夢令\n江上晚風吹雨，山外歸人無數。明月照孤舟，一夜客愁難訴。歸去，歸去，春在小橋深處。",
    )
    says(page, "#sheet .caption", "如夢令")
    count(page, "#sheet .line", 7)
    count(page, "#sheet .rhymes[data-line='7']", 1)
    count(page, "#sheet .rhymes[data-line='3']", 0)


def test_what_is_wrong_is_told_in_both_languages(page: Page) -> None:
    page.click("#see-verdict")
    bring(page, FAULTY)
    says(page, ".faults li > span", "此處須押庚韻；月屬月韻。")
    assert page.locator(".faults .tip-text").is_hidden()
    page.click(".faults .tip summary")
    assert "雙句同押一個平聲韻部" in page.inner_text(".faults .tip-text")
    says(page, "#notes", "重字：月（第 1、4 句）")
    bring(page, FAULTY.replace("高影入槐西岸雪", "高山入槐西岸雪").replace("中月", "中平"))
    says(page, ".faults", "此處須仄；山屬平。")
    choose(page, "language", "en")
    says(page, ".faults", "This place wants oblique; 山 is level.")
    says(page, ".faults .tip-text", "must have the tone of the second character of the line before")
    choose(page, "script", "simplified")
    choose(page, "language", "zh")
    says(page, ".faults", "后联上句的第二字")


def test_where_the_rhyme_changes_a_fault_is_one_sentence_too(open_page: Open) -> None:
    verse = ("孤舟寒窗下", "無人問姓名", "閑眠不可見", "何處有琴天")
    page = open_page(after=link(*verse, form="五古"))
    count(page, ".faults li", 2)
    says(page, ".faults li >> nth=0", "此處須與鄰近的韻腳相押；名屬庚韻。")


def test_a_draft_near_to_regulated_verse_shows_its_faults_and_is_mended(page: Page) -> None:
    page.click("#see-verdict")
    bring(page, "獨坐寒窗下，無客問姓名。閑眠不可見，何人有琴聲。")
    says(page, "#sheet .caption", "五絕")
    count(page, "#sheet .faulty", 2)
    says(page, ".as-form", "若當作五古來讀，無誤")
    page.click("#mend")
    says(page, "#faults", "改了 2 個字")
    says(page, "#sheet .caption", "無病")


def test_a_sheet_that_is_half_written_is_without_fault_so_far(page: Page) -> None:
    page.click("#new-sheet")
    type_at(page, 1, 1, "春山入遠鐘")
    says(page, "#sheet .caption", "至此無病")


def test_no_verdict_stands_beside_another_text(page: Page) -> None:
    bring(page, FAULTY)
    count(page, "#faults li", 1)
    with answers_held(page, "check"):
        type_at(page, 4, 7, "聲")
        count(page, "#faults li", 0)
    says(page, "#sheet .caption", "無病")


def test_faults_mark_themselves_as_one_types(page: Page) -> None:
    page.locator(".chip", has_text="五絕").click()
    says(page, "#sheet .blank[data-line='2'][data-position='5'] .sign", "◎")
    type_at(page, 2, 1, "江上雁")
    assert (
        page.evaluate(
            "[document.activeElement.dataset.line, document.activeElement.dataset.position].join()"
        )
        == "2,4"
    )
    count(page, "#sheet .blank", 17)
    type_at(page, 1, 1, "山水")  # whose second character has the tone of the one below it
    page.locator("#sheet .faulty").first.wait_for()
    page.keyboard.press("Backspace")
    count(page, "#sheet .faulty", 0)
    page.keyboard.press("Backspace")
    count(page, "#sheet .blank", 17)


def test_an_input_method_writes_on_the_sheet(page: Page) -> None:
    page.click("#new-sheet")
    page.locator("#sheet [data-line='1'][data-position='2']").focus()
    keyboard = page.context.new_cdp_session(page)
    keyboard.send(
        "Input.imeSetComposition", {"text": "ming", "selectionStart": 4, "selectionEnd": 4}
    )
    count(page, "#sheet .composing", 1)
    keyboard.send("Input.insertText", {"text": "明月"})
    says(page, "#sheet [data-line='1'][data-position='3']", "月")
    assert lines(page)[0] == "明月"
    count(page, "#sheet .composing", 0)


def test_a_line_that_is_brought_alone_is_judged_and_gets_its_other_lines(page: Page) -> None:
    bring(page, "晚山又綠江南岸")
    says(page, "#sheet .caption", "七絕")
    says(page, "#sheet .caption", "至此無病")
    page.locator("#sheet [data-line='1'][data-position='4']").click()
    page.locator(".alternative").first.wait_for()
    says(page, "#facts", "宜仄")
    compose(page, form="七絕")
    assert lines(page)[0] == "晚山又綠江南岸"


def test_a_poem_that_is_pasted_anywhere_lies_on_the_sheet(page: Page) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", f"月夜\n{FAULTY}")
    page.locator("#sheet [role=gridcell]").first.focus()
    page.keyboard.press("Control+v")
    says(page, "#sheet .heading", "月夜")
    says(page, "#sheet .caption", "1 處不合")
    page.keyboard.press("Control+z")
    says(page, "#sheet .heading", "秋夜")


def test_what_is_pasted_into_a_cell_stands_from_there_on(page: Page) -> None:
    page.click("#new-sheet")
    page.evaluate("navigator.clipboard.writeText('明月')")
    page.locator("#sheet [data-line='1'][data-position='7']").focus()
    page.keyboard.press("Control+v")
    says(page, "#sheet [data-line='2'][data-position='1']", "月")


def test_what_is_empty_is_written_and_what_stands_is_kept(page: Page) -> None:
    page.locator(".chip", has_text="五絕").click()
    type_at(page, 1, 3, "明月")
    compose(page)
    assert lines(page)[0][2:4] == "明月"
    assert pingze.check("，".join(lines(page))).ok
    page.locator("#sheet [data-line='4'][data-position='2']").focus()
    before = lines(page)
    page.keyboard.press("Delete")
    count(page, "#sheet .blank", 1)
    compose(page)
    assert [line for at, line in enumerate(lines(page)) if at != 3] == before[:3]


def test_two_sets_of_rules_are_seen_beside_each_other(page: Page) -> None:
    page.click("#see-verdict")
    bring(page, FAULTY)
    count(page, ".beside", 0)
    page.select_option("#beside", "xinyun")
    says(page, ".beside h3", "中華新韻 · 從寬")
    says(page, ".beside li >> nth=0", "笛")  # which is level today
    assert page.locator("#faults li").count() == 1
    page.select_option("#beside", "strict")
    says(page, ".beside h3", "平水韻 · 從嚴")


def test_several_poems_of_a_text_lie_below_each_other(page: Page) -> None:
    bring(page, f"{FAULTY}\n\n{WRONG_TONE}")
    count(page, ".draft", 2)
    page.locator(".candidate").nth(1).click()
    says(page, "#sheet .caption", "五絕")
    says(page, "#faults", "舟")


def test_a_text_of_no_form_is_told_and_stays(page: Page) -> None:
    bring(page, "山中有鳥，飛過大江東去。")
    says(page, "#sheet .caption", "不合任何詩體")
    count(page, "#sheet .line", 2)


def test_a_text_stands_with_its_title_its_faults_and_its_spelling(page: Page) -> None:
    choose(page, "script", "simplified")
    bring(page, "静夜思\n李白\n床前明月光，疑是地上霜。举头望明月，低头思故乡。")
    says(page, "#sheet h2", "静夜思　李白")
    assert lines(page) == ["床前明月光", "疑是地上霜", "举头望明月", "低头思故乡"]
    bring(page, FAULTY.replace("黃昏", "着図").replace("雁樓", "乾坤"))
    assert lines(page)[0].startswith("着図")  # as it was written, and not 著圖
    assert lines(page)[3].startswith("乾坤")  # and not 干坤
    count(page, "#sheet .faulty", 1)
    says(page, "#faults", "出韵")
    choose(page, "language", "en")
    says(
        page,
        "#faults",
        "This place wants a character that has the old rhyme 庚; 月 has the old rhyme 月.",
    )
    choose(page, "language", "zh")
    page.click("#mend")
    says(page, "#news", "改了 1 个字")
    count(page, "#sheet .faulty", 0)


def test_refusals_are_told_in_the_readers_language(page: Page) -> None:
    page.locator(".chip", has_text="五絕").click()
    page.click("#more > summary")
    page.fill("#start", "山山平平平")
    page.select_option("#rhyme", "東")
    clashes = "「起首」在第 1 句第 4 字的「平」（該處須仄聲）; 「起首」在第 1 句第 5 字的「平」"
    says(page, "[data-field=start] .at-field", clashes)
    page.fill("#start", "明" * 21)
    says(page, "[data-field=start] .at-field", "起首有 21 字，至多 20 字。")
    choose(page, "language", "en")
    page.fill("#start", "明" * 22)
    says(page, "[data-field=start] .at-field", "start has 22 characters; give 20 at most")
    page.locator(".remedy", has_text="Keep the first 20").click()
    assert page.locator("#start").input_value() == "明" * 20


def test_a_refusal_does_what_it_advises_at_one_tap(page: Page) -> None:
    page.click("#more > summary")
    page.fill("#acrostic", "春夏秋冬東南西北")
    page.locator(".remedy", has_text="改用七律").click()
    count(page, ".at-field", 0)
    assert page.locator("[name=form]:checked").input_value() == "七律"
    page.select_option("#acrostic_at", "end")
    page.locator(".remedy", has_text="改作句首").click()
    count(page, ".at-field", 0)
    page.fill("#poet", "李大白")
    page.locator(".remedy", has_text="李大白→李白").click()
    count(page, ".at-field", 0)
    page.locator("#bound button", has_text="擬 李白").click()
    assert page.locator("#poet").input_value() == ""
    page.fill("#include", "云 花")
    page.fill("#exclude", "云")
    page.locator("[data-field=include] .remedy").click()
    assert page.locator("#include").input_value() == "花"
    page.click("#unbind")
    count(page, "#bound li", 0)
    assert page.locator("#acrostic").input_value() == ""


def test_what_simplified_characters_were_read_as_can_be_corrected(page: Page) -> None:
    page.click("#see-verdict")
    bring(page, "发短愁多不自知，白云深处有谁期。后来一夜江头雨，复向钟声寄所思。")
    says(page, ".readings", "发 認作")
    chosen = page.locator(".readings [aria-pressed=true]").all_inner_texts()
    assert "".join(chosen).startswith("髮雲後復")
    page.locator(".readings button", has_text="發").click()
    assert lines(page)[0].startswith("發短")
    assert lines(page)[1].startswith("白雲")
    count(page, ".readings li", len(chosen) - 1)
    # Of a character with two readings each is corrected alone.
    bring(page, "白发悲明镜，青山出发迟。秋风吹旧梦，落日入江时。")
    assert lines(page)[:2] == ["白髮悲明鏡", "青山出發遲"]
    page.locator(".readings li >> nth=0").get_by_role("button", name="發").click()
    assert lines(page)[:2] == ["白發悲明鏡", "青山出發遲"]


def test_the_verdict_on_a_poem_without_fault_says_that_all_rules_hold(page: Page) -> None:
    page.click("#see-verdict")
    bring(page, "春山入遠鐘，落月大江東。細雨無人至，孤燈一夜紅。")
    says(page, "#notes", "五絕的規矩全都合")
    bring(page, FAULTY)
    says(page, "#sheet .caption", "1 處不合")
    assert "全都合" not in page.inner_text("#notes")


def test_what_is_locked_stays_when_a_poem_is_mended(page: Page) -> None:
    bring(page, FAULTY)
    page.click("#mend")
    says(page, "#faults", re.compile("第4句第7字：月改作.（出韻）"))
    page.keyboard.press("Control+z")
    says(page, "#sheet .caption", "1 處不合")
    assert lines(page) == re.findall(r"[\u4e00-\u9fff]+", FAULTY)
    # What is kept has sound characters changed to fit it.
    bring(page, "孤舟寒江下，無人問姓名。山風吹不見，何人有琴聲。")
    page.locator(".chip", has_text="五絕").click()
    page.click("#free")
    for position in (1, 2):
        page.click(f"#sheet [data-line='1'][data-position='{position}']")
        page.click("#lock")
    page.click("#mend")
    says(page, "#faults", re.compile("第1句第4字：江改作.（失對）"))
    assert lines(page)[0].startswith("孤舟")


def test_couplets_that_change_places_are_one_thing_and_stay_locked(page: Page) -> None:
    bring(page, EXCHANGED)
    count(page, "#sheet .locked", 40)
    page.click("#faults button:text('改到無病')")
    says(page, "#faults", "只換次序，一字未改，已無病。")
    says(page, "#faults", re.compile("第.–.句與第.–.句對調（失黏）"))
    count(page, "#faults li", 1)
    count(page, "#sheet .locked", 40)
    count(page, "#sheet .changed", 0)


def test_words_that_change_places_are_named(page: Page) -> None:
    mended = {
        "poem": {"form": "五絕", "template": None, "rhyme": None, "lines": PLAIN.split("，")},
        "swaps": [
            {
                "line": 3,
                "position": 1,
                "other_line": 3,
                "other_position": 3,
                "text": "無人",
                "other": "細雨",
                "rules": ["失黏"],
            }
        ],
        "changes": [{"line": 4, "position": 5, "old": "燈", "new": "紅", "rules": ["出韻"]}],
    }
    bring(page, PLAIN.replace("細雨無人", "無人細雨").replace("紅", "燈"))
    page.route("**/v1/mend", lambda route: route.fulfill(json={"mended": [mended]}))
    page.click("#mend")
    said = "改了 1 個字，已無病。 第3句「無人」與「細雨」對調（失黏） 第4句第5字：燈改作紅（出韻）"
    says(page, "#faults", re.compile(r"\s*".join(said.split())))
    count(page, "#sheet .locked", 19)


def test_a_fault_of_a_whole_couplet_offers_no_single_character(page: Page) -> None:
    bring(page, EXCHANGED)
    says(page, "#faults li", "第5–6句整聯與上一聯不相黏")
    assert page.locator("#faults ul button, #mend").all_inner_texts() == ["改到無病"]
    bring(page, FAULTY.replace("高影入槐西岸雪", "高山入槐西岸雪").replace("中月", "中平"))
    says(page, ".faults", "此處須仄；山屬平。")
    assert page.locator(".faults .open-place").inner_text() == "看可換之字"


def test_an_acrostic_that_does_not_stand_any_more_is_told(page: Page) -> None:
    page.click("#more > summary")
    page.fill("#acrostic", "林云月")
    compose(page)
    assert "".join(line[0] for line in lines(page)[:3]) == "林雲月"
    count(page, "#faults p", 0)
    type_at(page, 1, 1, "香")
    says(page, "#faults p", "藏頭要的是「林云月」，紙上是「香雲月」。")
    page.click("#undo")
    count(page, "#faults p", 0)


def test_no_verdict_on_antithesis_is_claimed(page: Page) -> None:
    page.click("#see-verdict")
    bring(page, SOUND)
    says(page, "#notes", "對仗只憑一張字表粗略看過，工不工請自己斟酌。")
    assert "冒韻" not in page.inner_text("#notes")
    bring(page, SOUND.replace("庭虛蟲響澀", "歸人何處問"))
    says(page, "#notes", "第 3、4 句對得勉強")
    assert "字表" not in page.inner_text("#notes")
    bring(page, SOUND.replace("永無寐", "人無寐"))
    says(page, "#notes", "五律的規矩全都合，沒有可留意的。")
    says(page, "#notes", "字表")


def test_where_what_is_locked_cannot_be_mended_a_button_unlocks_it(open_page: Open) -> None:
    page = open_page(refused=1)
    bring(page, FAULTY)
    page.click("#sheet [data-line='1'][data-position='1']")
    page.click("#lock")  # all else stays
    page.click("#mend")
    says(page, "#trouble", "讓它可改")
    page.click("#trouble button")
    count(page, "#sheet .locked", 0)
    page.locator("#trouble").wait_for(state="hidden")
    page.click("#mend")
    count(page, "#sheet .faulty", 0)


def test_what_is_written_while_it_mends_stays(page: Page) -> None:
    bring(page, FAULTY)
    with answers_held(page, "mend"):
        with page.expect_request("**/v1/mend"):
            page.click("#mend")
        type_at(page, 4, 7, "聲")  # calls the mending off
        says(page, "#trouble", "你改的留著")
    says(page, "#go", "作")
    assert lines(page)[3][6] == "聲"
