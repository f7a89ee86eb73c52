"""What readers of English are told of a poem: how it is said and what it means, in a real browser.

The readings and meanings were checked by hand, against dictionaries of classical Chinese.
"""

import re
import struct
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.serve.page import Open, compose, lines, link, opened, says, send
from tests.serve.process import Server

pytestmark = pytest.mark.slow

VERSE = ("少年朝出塞", "明月照長江", "蕭蕭風雨夜", "誰與共還鄉")

BY_WORD = {
    "少年": "shào nián",
    "長江": "cháng jiāng",
    "長老": "zhǎng lǎo",
    "朝廷": "cháo tíng",
    "早朝": "zǎo cháo",
    "今朝": "jīn zhāo",
    "明朝": "míng zhāo",
    "樂府": "yuè fǔ",
    "單于": "chán yú",
    "參差": "cēn cī",
    "可汗": "kè hán",
    "龜茲": "qiū cí",
    "星宿": "xīng xiù",
    "睡覺": "shuì jiào",
    "出塞": "chū sài",
    "閉塞": "bì sè",
    "三更": "sān gēng",
    "處士": "chǔ shì",
    "霓裳": "ní cháng",
    "般若": "bō rě",
    "丞相": "chéng xiàng",
    "雁行": "yàn háng",
    "還家": "huán jiā",
    "何處": "hé chù",
}
BY_TONE = {
    ("看", "平"): "kān",
    ("看", "仄"): "kàn",
    ("重", "平"): "chóng",
    ("重", "仄"): "zhòng",
    ("教", "平"): "jiāo",
    ("教", "仄"): "jiào",
    ("興", "平"): "xīng",
    ("興", "仄"): "xìng",
    ("將", "平"): "jiāng",
    ("將", "仄"): "jiàng",
    ("應", "平"): "yīng",
    ("應", "仄"): "yìng",
    ("長", "平"): "cháng",
    ("長", "仄"): "zhǎng",
    ("中", "平"): "zhōng",
    ("中", "仄"): "zhòng",
    ("難", "平"): "nán",
    ("難", "仄"): "nàn",
    ("爲", "平"): "wéi",
    ("爲", "仄"): "wèi",
    ("騎", "平"): "qí",
    ("騎", "仄"): "jì",
    ("間", "仄"): "jiàn",
    ("不", "仄"): "bù",
}
WORDS_MEAN = {
    "長江": "the Yangtze",
    "蕭蕭": "rustling, bleak",
    "明月": "bright moon",
    "梅花": "plum blossom",
    "故鄉": "home",
    "歸來": "return",
    "白雲": "white cloud",
    "流水": "running water",
    "寂寞": "lonely",
    "落日": "setting sun",
    "春雨": "spring rain",
    "半夜": "midnight",
    "天下": "land under heaven",
    "三月": "third month",
    "馬上": "on horseback",
    "行人": "traveller",
    "東西": "east and west",
    "今朝": "this morning",
    "朝廷": "court",
    "無情": "heartless",
    "何處": "where",
    "千里": "a thousand miles",
    "昇平": "peace",
    "花謝": "flowers wither",
    "夭桃": "young peach blossom",
    "漠漠": "wide and dim",
    "獵獵": "fluttering",
    "恩澤": "grace, favour",
    "小橋": "little bridge",
    "滿座": "all the guests",
    "宮漏": "palace water-clock",
    "睡覺": "wake from sleep",
    "亂花": "scattered, tangled blossoms",
    "幾點": "a few dots, a few",
    "蓬山": "Mount Penglai of the immortals",
    "陶公": "Tao Yuanming",
    "河漢": "the Milky Way",
    "石林": "forest of stones",
    "茱萸": "dogwood",
    "一旦": "one day, suddenly",
    "未央": "not yet over",
    "少壯": "young and strong",
    "歸隱": "retire to seclusion",
}
CHARACTERS_MEAN = {
    "朝": "morning",
    "蕭": "desolate, rustling",
    "花": "flower",
    "無": "without",
    "相": "each other",
    "誰": "who",
    "曾": "once",
    "鳴": "cry, sing",
    "陽": "sun",
    "節": "season, festival",
    "被": "covered by",
    "箔": "blind, screen",
    "還": "return, still",
    "長": "long",
    "江": "river",
    "閑": "leisure, idle",
    "愁": "sorrow",
    "秦": "Qin",
    "琴": "zither",
    "公": "lord",
    "書": "book, letter",
    "復": "again",
    "殘": "fading, remnant",
    "月": "moon",
    "雪": "snow",
    "君": "you",
    "壽": "long life",
    "圓": "full, round",
    "樽": "wine cup",
    "尊": "wine cup",
    "鑪": "censer, stove",
    "欹": "lean, tilt",
    "率": "lead, one and all",
    "浮": "float",
    "鯽": "crucian carp",
}
READ = """async (lines) => {
  const { learnReadings, wordsOf } = await import("/page/glosses.js");
  await learnReadings();
  return lines.map(([line, tones]) => wordsOf(line, tones));
}"""


@pytest.fixture(scope="module")
def reader(browser: Browser, server: Server) -> Iterator[Page]:
    """A reader of English."""
    with opened(browser, server.address, language="en-US") as page:
        yield page


def words(reader: Page, *lines: str) -> list[list[dict]]:
    """What the page knows of some lines' words."""
    return reader.evaluate(READ, [[line, ""] for line in lines])


def test_words_are_read_as_words(reader: Page) -> None:
    found = words(reader, *BY_WORD)
    said = [" ".join(one for each in line for one in each["pinyin"]) for line in found]
    assert dict(zip(BY_WORD, said, strict=True)) == BY_WORD


def test_a_character_of_two_tones_is_read_in_the_tone_of_its_place(reader: Page) -> None:
    found = reader.evaluate(READ, [list(key) for key in BY_TONE])
    said = [each["pinyin"][0] for (each,) in found]
    assert dict(zip(BY_TONE, said, strict=True)) == BY_TONE


def test_the_place_decides_against_the_word(reader: Page) -> None:
    ((word,),) = reader.evaluate(READ, [["論文", "平平"]])
    assert word["pinyin"] == ["lún", "wén"]


def test_words_mean_what_they_mean_in_verse(reader: Page) -> None:
    found = words(reader, *WORDS_MEAN)
    assert {text: each["means"] for text, (each,) in zip(WORDS_MEAN, found, strict=True)} == (
        WORDS_MEAN
    )


def test_characters_mean_what_they_mean_in_verse(reader: Page) -> None:
    found = words(reader, *CHARACTERS_MEAN)
    assert {text: each["means"] for text, (each,) in zip(CHARACTERS_MEAN, found, strict=True)} == (
        CHARACTERS_MEAN
    )


def test_a_characters_meaning_is_that_of_its_reading(reader: Page) -> None:
    found = reader.evaluate(READ, [["長", "平"], ["長", "仄"], ["將", "仄"]])
    assert [each["means"] for (each,) in found] == ["long", "grow, elder", "general"]


SAID_BY_BOTH = {
    "孤": "lone",
    "躍": "jump",
    "苑": "park",
    "楹": "pillar",
    "淅": "sound of rain, sleet etc",
    "送": "send off",
    "徑": "narrow path",
    "弦": "string",
    "蛩": "cricket",
}
"""Where Unihan's first sense has no word of CC-CEDICT's, as orphan for 孤, another is shown; else it stays."""


def test_a_character_means_what_two_dictionaries_say(reader: Page) -> None:
    found = words(reader, *SAID_BY_BOTH)
    means = {text: each["means"] for text, (each,) in zip(SAID_BY_BOTH, found, strict=True)}
    assert means == SAID_BY_BOTH


def test_a_sense_is_told_once(reader: Page) -> None:
    told = reader.evaluate(
        """async (characters) => {
          const { learnReadings, meaningsOf } = await import("/page/glosses.js");
          await learnReadings();
          return characters.map(meaningsOf);
        }""",
        ["滿", "陽", "伴"],
    )
    for means in told:
        senses = re.split("[,;] ", means)
        assert len(senses) == len(set(senses)), means


def test_a_doubled_character_is_one_word(reader: Page) -> None:
    (found, crossed) = words(reader, "春雨濛濛柳絮飛", "江上春風祝融融")
    assert [each["text"] for each in found[:2]] == ["春雨", "濛濛"]
    assert found[1]["means"] == "drizzling"
    assert [each["text"] for each in crossed[2:]] == ["祝", "融融"]


def test_no_word_means_what_verse_could_not(reader: Page) -> None:
    found = words(reader, "銀屏", "寒窗", "馬來", "電光", "暖氣", "煙草", "陽臺", "新豐")
    said = " ".join(each["means"] for line in found for each in line)
    modern = "television|studies|Malaya|electric|heating|tobacco|balcony|County"
    assert re.search(modern, said) is None


@pytest.mark.parametrize(
    ("line", "cut"),
    [
        ("明月照長江", ["明月", "照", "長江"]),
        ("蕭蕭風雨夜", ["蕭蕭", "風雨", "夜"]),
        ("春風明月上高樓", ["春風", "明月", "上", "高樓"]),
    ],
)
def test_no_word_crosses_a_pause(reader: Page, line: str, cut: list[str]) -> None:
    assert [each["text"] for each in words(reader, line)[0]] == cut


def test_each_line_stands_across_word_by_word(browser: Browser, address: str) -> None:
    with opened(browser, address, language="en-US", after=link(*VERSE, form="五絕")) as page:
        says(page, ".by-word li >> nth=0", "shào nián")
        row = page.locator(".by-word li").nth(1)
        assert row.locator(".of").all_inner_texts() == ["明月", "照", "長江"]
        assert row.locator(".pinyin").all_inner_texts() == ["míng yuè", "zhào", "cháng jiāng"]
        assert row.locator(".means").all_inner_texts()[-1] == "the Yangtze"
        boxes = [each.bounding_box() for each in row.locator(".word").all()]
        assert len({round(box["y"]) for box in boxes if box}) == 1


def test_a_screen_reader_hears_how_a_place_is_said(browser: Browser, address: str) -> None:
    with opened(browser, address, language="en-US", after=link(*VERSE, form="五絕")) as page:
        cell = page.locator("#sheet [data-line='2'][data-position='4']")
        assert "長 cháng, the Yangtze" in (cell.get_attribute("aria-label") or "")
        assert page.locator(".by-word [aria-hidden]").count() == 0


def test_readers_of_chinese_are_told_no_readings(browser: Browser, address: str) -> None:
    with opened(browser, address, after=link(*VERSE, form="五絕")) as page:
        assert page.locator(".by-word").count() == 0
        cell = page.locator("#sheet [data-line='2'][data-position='4']")
        assert not re.search("[a-z]", cell.get_attribute("aria-label") or "")


def test_the_text_that_is_copied_tells_how_it_is_said(browser: Browser, address: str) -> None:
    with opened(browser, address, language="en-US", after=link(*VERSE, form="五絕")) as page:
        says(page, ".by-word li >> nth=0", "shào nián")
        send(page, "#copy")
        says(page, "#news", "Copied.")
        text: str = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("少年朝出塞，明月照長江。\n")
    assert "明月照長江\nmíng yuè zhào cháng jiāng\nbright moon · " in text


NAMES = {
    "沈佺期": "Shen Quanqi",
    "納蘭性德": "Nalan Xingde",
    "司馬紮": "Sima Zha",
    "獨孤及": "Dugu Ji",
    "花蕊夫人徐氏": "Lady Huarui",
    "明皇帝": "Emperor Xuanzong",
    "後主煜": "Li Yu",
    "齊己": "Qiji",
    "乾隆": "Qianlong",
    "陳子昂": "Chen Zi'ang",
    "白居易": "Bai Juyi",
}


def test_poets_have_their_names_in_english(reader: Page) -> None:
    said = reader.evaluate(
        """async (names) => {
          const { learnReadings } = await import("/page/glosses.js");
          const { nameOf } = await import("/page/poem.js");
          await learnReadings();
          return names.map(nameOf);
        }""",
        list(NAMES),
    )
    assert dict(zip(NAMES, said, strict=True)) == NAMES


SUBJECTS = {
    "my sister's wedding": "合歡",
    "The bride": "催妝",
    "the groom": "合歡",
    "my best friend is getting married": "合歡",
    "marry me": "合歡",
    "wedding anniversary": "鴛鴦",
    "I love you": "鴛鴦",
    "the birth of a son": "鳳雛",
    "a new baby girl": "鳳雛",
    "my daughter's birthday": "賀壽",
    "grandmother's birthday": "賀壽",
    "my mother turns 60": "賀壽",
    "turning forty": "賀壽",
    "long life": "賀壽",
    "bon voyage": "送君",
    "safe journey": "送君",
    "happy retirement": "歸隱",
    "flight": "飛",
    "farewell to a friend": "送君",
    "goodbye": "送君",
    "thank you": "酬友",
    "thanks to my teacher": "酬友",
    "condolences": "思故人",
    "death of a friend": "思故人",
    "in memory of my father": "思故人",
    "sorry for your loss": "思故人",
    "two friends": "會友",
    "two": "",
    "happy new year": "元日",
    "graduation": "及第",
    "get well soon": "病愈",
    "good luck": "慶雲",
    "a new home": "新居",
    "peace": "太平",
    "end of war": "太平",
    "without sorrow": "",
    "never alone": "",
    "snow on the river": "江雪",
    "missing home": "思鄉",
    "summer heat": "苦熱",
    "light rain in spring": "春細雨",
    "for a friend who is ill": "病愈",
    "my sister is sick": "病愈",
    "a friend in hospital": "病愈",
    "illness": "病愈",
    "surgery tomorrow": "病愈",
    "a speedy recovery": "病愈",
    "he lost his father": "思故人",
    "rest in peace, grandmother": "思故人",
    "the anniversary of my mother's death": "思故人",
    "an exam tomorrow": "及第",
    "he failed his exams": "落第",
    "our new apartment": "新居",
    "my father's retirement": "歸隱",
    "we are expecting a baby": "鳳雛",
    "teacher’s day": "酬友",
    "without death": "",
    "a forest in autumn": "秋林",
    "drunk": "醉",
    "sleeping": "眠",
    "children learn": "兒學",
    "swimming": "泳",
    "sixty": "六十",
    "a bar": "酒家",
    "my bicycle": "車",
}
READ_SUBJECTS = """async (subjects) => {
  const { inChinese, learnEnglish } = await import("/page/subjects.js");
  await learnEnglish();
  return subjects.map((one) => inChinese(one));
}"""


def test_english_subjects_are_read_as_what_they_mean(reader: Page) -> None:
    found = reader.evaluate(READ_SUBJECTS, list(SUBJECTS))
    read = {one: "".join(each["found"]) for one, each in zip(SUBJECTS, found, strict=True)}
    assert read == SUBJECTS
    assert [each["unknown"] for each in found if each["unknown"]] == []


def test_a_number_that_is_left_out_is_told(reader: Page) -> None:
    (found,) = reader.evaluate(READ_SUBJECTS, ["grandmother's 60th birthday"])
    assert (found["found"], found["unknown"]) == (["賀壽"], ["60th"])


def test_a_subject_of_which_nothing_is_known_is_told_and_not_composed(open_page: Open) -> None:
    page = open_page(language="en-US")
    before = lines(page)
    page.fill("#title", "xylophone quarterly")
    says(page, "#reading", "xylophone, quarterly")
    page.click("#go")
    says(page, "#trouble", "Nothing in “xylophone quarterly” is known")
    assert lines(page) == before
    assert page.locator("#go").inner_text() == "Compose"


def test_an_occasion_tells_what_its_subject_means_and_what_it_leaves_out(open_page: Open) -> None:
    page = open_page(language="en-US")
    page.fill("#title", "a farewell")
    says(page, "#reading", "farewell → 送君 (seeing you off)")
    says(page, "#reading", "without words of death, mourning or resentment.")


@pytest.mark.parametrize(
    ("subject", "mood", "without"),
    [
        ("a wedding", "joyful", "愁恨貧壽"),
        ("a birth", "joyful", "愁恨死"),
        ("a birthday", "joyful", "愁恨死聖皇帝王恩主闕宮殿朝御龍座侍堯舜"),
        ("a farewell", "", "死墓壽"),
        ("thanks", "joyful", "怨恨死"),
        ("condolences", "sad", "喜笑賀壽"),
        ("without sorrow", "joyful", "愁悲"),
        ("without death", "joyful", "死喪"),
        ("illness", "joyful", "愁病老"),
        ("retirement", "joyful", "愁病老醉"),
        ("a wedding", "joyful", "醉酩酊醺"),
        ("a birth", "joyful", "醉酩酊醺"),
        ("get well soon", "joyful", "醉酩酊醺"),
    ],
)
def test_an_occasion_has_its_mood_and_no_words_out_of_place(
    reader: Page, subject: str, mood: str, without: str
) -> None:
    (found,) = reader.evaluate(READ_SUBJECTS, [subject])
    assert found["mood"] == mood
    assert set(without) <= set(found["exclude"])


def test_an_occasion_leaves_out_words_whose_characters_may_stand(reader: Page) -> None:
    choices = reader.evaluate(
        """async () => {
          const { atOccasion, learnEnglish } = await import("/page/subjects.js");
          await learnEnglish();
          return atOccasion({ heading: "a wedding" });
        }"""
    )
    words = set(choices["exclude_words"].split())
    assert {"曲罷", "宴罷", "幾時休"} <= words
    assert not set("曲宴") & set(choices["exclude"])


def test_the_readers_own_mood_stays_at_an_occasion(reader: Page) -> None:
    choices = reader.evaluate(
        """async () => {
          const { atOccasion, learnEnglish } = await import("/page/subjects.js");
          await learnEnglish();
          return atOccasion({ heading: "a wedding", mood: "calm", exclude: "月" });
        }"""
    )
    assert choices["mood"] == "calm"
    assert choices["exclude"].startswith("月")
    assert "愁" in choices["exclude"]


def test_each_occasion_is_among_the_subjects_that_are_offered(reader: Page) -> None:
    offered = reader.locator("#subjects option").evaluate_all("all => all.map((one) => one.value)")
    found = reader.evaluate(READ_SUBJECTS, offered)
    assert len(offered) >= 6
    assert [each["exclude"] for each in found if not each["exclude"]] == []


def card(
    browser: Browser, address: str, title: str, english: bool, seal: str = ""
) -> tuple[int, int]:
    """The width and height of the card of a poem with a title."""
    poem = link(*VERSE, form="五絕", title=title)
    with opened(browser, address, language="en-US", after=poem) as page:
        says(page, ".by-word li >> nth=0", "shào nián")
        page.evaluate(
            """async ([card_english, seal]) => {
              const { keep } = await import("/page/settings.js");
              keep({ card_english, seal });
            }""",
            [english, seal],
        )
        send(page, "#make-card")
        page.locator("#card-preview img").wait_for()
        with page.expect_download() as download:
            page.click("#png")
        width, height = struct.unpack(">II", download.value.path().read_bytes()[16:24])
    return width, height


def test_a_latin_title_stands_above_the_columns(browser: Browser, address: str) -> None:
    width, height = card(browser, address, "", False)
    assert card(browser, address, "Snow", False)[0] == width
    assert card(browser, address, "Snow", False)[1] > height
    assert card(browser, address, "江雪", False)[0] > width


def test_a_long_latin_title_and_seal_make_no_card_wider(browser: Browser, address: str) -> None:
    width, _ = card(browser, address, "", False)
    title = "Snow on the river by the old bridge in winter"
    assert card(browser, address, title, False, "Anna Lindqvist of Gothenburg")[0] == width


def test_the_card_tells_how_its_lines_are_said(browser: Browser, address: str) -> None:
    assert card(browser, address, "", True)[1] > card(browser, address, "", False)[1] + 4 * 2 * 60


def test_a_wedding_is_asked_for_with_its_mood_and_drafts_tell_what_they_mean(
    browser: Browser, address: str
) -> None:
    with opened(browser, address, language="en-US") as page:
        page.fill("#title", "my sister's wedding")
        says(page, "#reading", "wedding → 合歡")
        with page.expect_request("**/v1/fill") as asked:
            compose(page, poems=2)
        sheet = asked.value.post_data_json["sheet"]
        assert (sheet["title"], sheet["mood"]) == ("合歡", "joyful")
        assert set("愁恨貧壽") <= set(sheet["exclude"])
        says(page, ".draft-means >> nth=0", re.compile("[a-z]"))
        verse = "".join(page.locator(".couplet-of .verse").all_inner_texts())
        assert not set("愁恨貧壽") & set(verse)


def test_a_thing_of_the_subject_that_is_in_no_draft_is_told(reader: Page) -> None:
    told = reader.evaluate(
        """async () => {
          const { learnEnglish, unnamed } = await import("/page/subjects.js");
          await learnEnglish();
          const drafts = [{ lines: ["白雪滿青山"] }, { lines: ["江上月明時"] }];
          const subjects = ["a quiet cat in the snow", "no rain", "a wedding", "old river", "柳"];
          return subjects.map((one) => unnamed(one, drafts));
        }"""
    )
    assert told == [["貓 (cat)"], [], [], [], []]


def test_after_composing_the_note_says_what_no_draft_names(open_page: Open) -> None:
    page = open_page(language="en-US")
    answer = {"lines": ["江上月明時"] * 4, "form": "五絕", "model": "tang"}
    page.route(
        "**/v1/fill",
        lambda route: route.fulfill(json={"poems": [answer], "notes": [], "remarks": []}),
    )
    page.fill("#title", "a cat by the river")
    page.locator(".chip", has_text="五絕").click()
    page.select_option("#count", "1")
    page.click("#go")
    says(page, "#reading", "No draft has 貓 (cat): put it in “Must appear” under More.")
    page.fill("#title", "the moon")
    page.click("#go")
    says(page, "#reading", "moon → 月")
    assert "No draft" not in page.locator("#reading").inner_text()


def test_the_note_tells_a_word_once_and_what_must_not_appear_apart(open_page: Open) -> None:
    page = open_page(language="en-US")
    page.click("#more > summary")
    page.fill("#title", "cat")
    page.fill("#include", "cat")
    page.fill("#exclude", "wine")
    says(page, "#reading", "Must not appear: wine → 酒.")
    assert page.locator("#reading").inner_text() == "cat → 貓 Must not appear: wine → 酒."
