"""Simplified and ambiguous characters: alone, by their neighbours, and in words whose reading decides a tone."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.files import table
from pingze.verse.character_table import (
    simplified_forms,
    to_traditional,
    traditional_candidates,
    variants,
)
from pingze.verse.checking import check
from pingze.verse.context import in_context, lines_in_context
from pingze.verse.patterns import word_starts
from pingze.verse.rhyme_groups import OBLIQUE
from pingze.verse.standard import PINGSHUI
from tests.verse import reference
from tests.verse.writing import LEVELS, OBLIQUES, write


def test_characters_with_one_counterpart_are_converted_alone() -> None:
    assert to_traditional("国东风来听尽为") == "國東風來聽盡爲"
    for text in ("后里云余几", "发", "山水 abc，", "國東風來"):
        assert to_traditional(text) == text


def test_candidates_and_variants() -> None:
    assert traditional_candidates("发") == ("發", "髮")
    assert traditional_candidates("山") == variants("山") == ()
    assert variants("谿")[0] == "溪"
    assert "迴" in variants("回")
    for character in table("characters"):
        assert all(character in variants(other) for other in variants(character))
    for character, candidates in table("simplified").items():
        assert candidates
        assert all(other in table("characters") and other != character for other in candidates)


def test_each_traditional_character_has_one_simplified_form() -> None:
    forms = simplified_forms()
    assert "".join(forms.get(c, c) for c in "國東風來聽盡爲發髮山水") == "国东风来听尽为发发山水"
    assert len(forms) == sum(map(len, table("simplified").values()))
    assert not forms.keys() & set(forms.values()), "what is shown once stays when it is shown again"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("白发三千丈", "白髮三千丈"),
        ("无人发旧丛", "無人發舊叢"),
        ("钟声远到客船", "鐘聲遠到客船"),
        ("万钟何足论", "萬鍾何足論"),
        ("历历复何须", "歷歷復何須"),
        ("须发皆白", "鬚髮皆白"),
        ("春乃发生", "春乃發生"),
        ("白发生", "白髮生"),
        ("后来丰年余粮", "後來豐年餘糧"),
        ("白云", "白雲"),
        *(
            (text, text)
            for text in ("山水", "", "當宁拱羣臣", "子云云母後來", "后宮餘幾里", "太后", "山中千里")
        ),
    ],
)
def test_what_is_beside_a_character_decides_its_word(typed: str, read: str) -> None:
    assert in_context(typed) == read


def test_rare_words_stay_in_a_traditional_poem() -> None:
    assert lines_in_context(["國樹并機杼", "苹東風来"]) == ["國樹并機杼", "苹東風來"]
    assert lines_in_context(["国树并机", "苹"]) == ["國樹並機", "蘋"]
    assert all(len(PINGSHUI.tones(character)) == 2 for character in "并衆閒琵")


@pytest.mark.parametrize(
    ("couplet", "read"),
    [("山中客乐并", "并"), ("山中客乐干", "乾"), ("山累客酒行", "纍"), ("山中客累行", "累")],
)
def test_a_simplified_character_is_read_as_a_word_that_breaks_no_rule(
    couplet: str, read: str
) -> None:
    """并 was always 並, which is oblique, though poets rhyme on 并 in 庚."""
    rhymed = "酒尽月还寒" if read == "乾" else "酒尽月还清"
    verdict = check(f"月下风来晚，{couplet}。花开人未去，{rhymed}。", form="五絕")
    assert verdict.ok
    assert read in verdict.read[1]
    assert verdict.lines[1] == couplet


@given(
    st.text() | st.text(st.sampled_from("发云后里余几须钟历复白山東東国国来來 ，\n"), max_size=20)
)
def test_every_character_keeps_its_place_and_conversion_settles(text: str) -> None:
    for convert in (to_traditional, in_context):
        read = convert(text)
        assert len(read) == len(text)
        assert convert(read) == read


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("相思", "平平"),
        ("秋思", " 仄"),
        ("長安", "平 "),
        ("將軍", "平 "),
        ("重陽樓", "平  "),
        ("不勝", "仄平"),
    ],
)
def test_a_word_is_read_as_verse_reads_it(word: str, expected: str) -> None:
    found = PINGSHUI.words.tones_within([word])
    for character, tone in zip(word, expected, strict=True):
        if len(PINGSHUI.tones(character)) == 2 and tone != " ":
            assert found[character] == frozenset(tone)
    assert PINGSHUI.words.tones_within(["相思", "秋思"])["思"] == {"平", "仄"}


LISTS = {
    (
        0,
        "平",
    ): """將軍 正月 相思 相逢 更闌 長安 長江 中原 重陽 空山 應是 當時 分明 騎馬 尚書 憑欄 王孫 吹簫 調和 燕山
        彈琴 荷花 行人 縫衣 興亡 從容 扁舟""",
    (
        1,
        "平",
    ): "三更 五更 九重 不勝 艱難 人間 思量 商量 衣冠 經過 相傳 繁華 收藏 不禁 庶幾 呼號 可汗 布衣 廉頗",
    (0, "仄"): "更上 長老 中酒 勝地 爲誰 教坊 燕子 華山 荷鋤 幾時 喪亂 號令 衣錦 將相",
    (
        1,
        "仄",
    ): """丞相 宰相 大將 名將 秋思 生長 響應 名勝 患難 名分 千騎 縣令 度量 弱冠 鼓吹 萬乘 列傳 左傳 曲調 寶藏
        相稱 金彈 團扇 負荷 德行 宮禁 勉強 樓觀 詩興 唱和 上疏 政治 方便""",
}
"""Words by the place of the character that they decide, from 0, and its tone."""
WORDS = [(word, at, tone) for (at, tone), words in LISTS.items() for word in words.split()]


def poems(word: str, at: int, tone: str) -> Iterator[str]:
    """Poems without a fault but for a word that has one tone where only the other fits."""
    singles = {"平": LEVELS[-1], "仄": OBLIQUES[-1]}
    for opening in reference.STARTS:
        types = reference.types(opening, 4)
        tones = [
            (reference.PREFIX[kind] + reference.BASE[kind]).replace("x", "P") for kind in types
        ]
        written = write(tones, rhymed_first=opening[0].isupper())
        # 雲長 and 雲正 are pairs of their own
        lines = [line.replace("雲", "池") for line in written]
        for number, line in enumerate(lines):
            for start in sorted(word_starts(2, 7) - ({5} if tones[number][-1] == "P" else set())):
                before, after = (
                    [*lines[:number], line[:start]],
                    [line[start + 2 :], *lines[number + 1 :]],
                )
                pairs = [
                    word[:at] + singles[each] + word[at + 1 :]
                    for each in ("仄平"[tone == "仄"], tone)
                ]
                texts = (
                    "，".join([*before[:-1], before[-1] + pair + after[0], *after[1:]])
                    for pair in (*pairs, word)
                )
                good, bad, asked = texts
                found = check(good, form="七絕")
                if found.ok and not found.doubts and not check(bad, form="七絕").ok:
                    yield asked


def test_a_word_in_the_wrong_tone_is_told() -> None:
    assert len(WORDS) == 93
    assert all(len(PINGSHUI.tones(word[at])) == 2 for word, at, _ in WORDS)
    verdicts = {word: check(next(poems(word, at, tone)), form="七絕") for word, at, tone in WORDS}
    silent = [
        word for word, verdict in verdicts.items() if not verdict.violations and not verdict.doubts
    ]
    assert len(verdicts) - len(silent) >= 88, silent


@pytest.mark.parametrize(
    ("word", "at", "tone"),
    [(word, 1, "仄") for word in ["老將", "命中", "史傳", "赴難", "離間", "兄長", "佛教"]]
    + [(word, 1, "平") for word in ["投降", "復興", "溫和"]],
)
def test_a_word_that_dictionaries_read_in_one_tone_is_told_in_the_other(
    word: str, at: int, tone: str
) -> None:
    verdict = check(next(poems(word, at, tone)), form="七絕")
    assert verdict.violations or [note.cause["word"] for note in verdict.doubts] == [word]


@pytest.mark.parametrize("word", ["莫教", "相看", "大難"])
def test_verse_overrules_a_dictionary(word: str) -> None:
    assert OBLIQUE not in PINGSHUI.words.tones.get(word, "")


@pytest.mark.parametrize("word", ["將軍", "人間", "患難", "丞相"])
def test_a_doubt_names_the_word_and_the_rule(word: str) -> None:
    at, tone = next((at, tone) for each, at, tone in WORDS if each == word)
    verdict = check(next(poems(word, at, tone)), form="七絕")
    assert verdict.ok
    (doubt,) = verdict.doubts
    assert doubt.cause["word"] == word
    assert doubt.cause["has"] == word[at]
    assert doubt.cause["wanted"] != tone
    assert verdict.as_json()["doubts"] == verdict.doubts
