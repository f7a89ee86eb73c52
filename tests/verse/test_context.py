"""Simplified and ambiguous characters: alone, and by their neighbours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.verse import check
from pingze.verse.character_table import simplified_forms, to_traditional, traditional_candidates, variants
from pingze.verse.context import in_context, lines_in_context, tones_within
from pingze.verse.tables import table
from pingze.verse.tones import sides


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
        *(("白发三千丈", "白髮三千丈"), ("无人发旧丛", "無人發舊叢"), ("钟声远到客船", "鐘聲遠到客船")),
        *(("万钟何足论", "萬鍾何足論"), ("历历复何须", "歷歷復何須"), ("须发皆白", "鬚髮皆白")),
        *(("春乃发生", "春乃發生"), ("白发生", "白髮生"), ("后来丰年余粮", "後來豐年餘糧"), ("白云", "白雲")),
        *((text, text) for text in ("山水", "", "當宁拱羣臣", "子云云母後來", "后宮餘幾里", "太后", "山中千里")),
    ],
)
def test_what_is_beside_a_character_decides_its_word(typed: str, read: str) -> None:
    assert in_context(typed) == read


def test_rare_words_stay_in_a_traditional_poem() -> None:
    assert lines_in_context(["國樹并機杼", "苹東風来"]) == ["國樹并機杼", "苹東風來"]
    assert lines_in_context(["国树并机", "苹"]) == ["國樹並機", "蘋"]
    assert all(len(sides(character)) == 2 for character in "并衆閒琵")


@pytest.mark.parametrize(
    ("couplet", "read"), [("山中客乐并", "并"), ("山中客乐干", "乾"), ("山累客酒行", "纍"), ("山中客累行", "累")]
)
def test_a_simplified_character_is_read_as_a_word_that_breaks_no_rule(couplet: str, read: str) -> None:
    """并 was always 並, which is oblique, though poets rhyme on 并 in 庚."""
    rhymed = "酒尽月还寒" if read == "乾" else "酒尽月还清"
    verdict = check(f"月下风来晚，{couplet}。花开人未去，{rhymed}。", form="五絕")
    assert verdict.ok
    assert read in verdict.read[1]
    assert verdict.lines[1] == couplet


@given(st.text() | st.text(st.sampled_from("发云后里余几须钟历复白山東東国国来來 ，\n"), max_size=20))
def test_every_character_keeps_its_place_and_conversion_settles(text: str) -> None:
    for convert in (to_traditional, in_context):
        read = convert(text)
        assert len(read) == len(text)
        assert convert(read) == read


@pytest.mark.parametrize(
    ("word", "expected"),
    [("相思", "平平"), ("秋思", " 仄"), ("長安", "平 "), ("將軍", "平 "), ("重陽樓", "平  "), ("不勝", "仄平")],
)
def test_a_word_is_read_as_verse_reads_it(word: str, expected: str) -> None:
    found = tones_within([word])
    for character, tone in zip(word, expected, strict=True):
        if len(sides(character)) == 2 and tone != " ":
            assert found[character] == frozenset(tone)
    assert tones_within(["相思", "秋思"])["思"] == {"平", "仄"}
