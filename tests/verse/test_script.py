import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.verse.character_table import rows, simplified
from pingze.verse.simplified import (
    in_context,
    simplified_forms,
    to_traditional,
    traditional_candidates,
    variants,
)


def test_characters_with_one_counterpart_are_converted() -> None:
    assert to_traditional("国东风来听尽为") == "國東風來聽盡爲"


@pytest.mark.parametrize("text", ["后里云余几", "发", "山水 abc，", "國東風來"])
def test_the_rest_stays(text: str) -> None:
    assert to_traditional(text) == text


def test_candidates_for_messages() -> None:
    assert traditional_candidates("发") == ("發", "髮")
    assert traditional_candidates("山") == ()


def test_variants_go_both_ways() -> None:
    assert variants("谿")[0] == "溪"
    assert "迴" in variants("回")
    assert variants("山") == ()
    assert all(character in variants(other) for character in rows() for other in variants(character))


def test_simplified_characters_stand_for_characters_of_the_table() -> None:
    for character, candidates in simplified().items():
        assert candidates
        assert all(candidate in rows() and candidate != character for candidate in candidates)


def test_each_traditional_character_has_one_simplified_form() -> None:
    forms = simplified_forms()
    assert "".join(forms.get(c, c) for c in "國東風來聽盡爲發髮山水") == "国东风来听尽为发发山水"
    assert len(forms) == sum(map(len, simplified().values()))
    assert not forms.keys() & set(forms.values()), "what is shown once stays when it is shown again"


@given(st.text())
def test_conversion_keeps_the_length_and_settles(text: str) -> None:
    converted = to_traditional(text)
    assert len(converted) == len(text)
    assert to_traditional(converted) == converted


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
        ("山水", "山水"),
        ("", ""),
    ],
)
def test_what_stands_beside_a_character_tells_its_word(typed: str, read: str) -> None:
    assert in_context(typed) == read


@pytest.mark.parametrize("text", ["當宁拱羣臣", "子云云母後來", "后宮餘幾里", "太后", "山中千里"])
def test_words_of_traditional_text_stay(text: str) -> None:
    assert in_context(text) == text


@given(st.text(st.sampled_from("发云后里余几须钟历复白山東東國国来來 ，\n"), max_size=20))
def test_every_character_keeps_its_place(text: str) -> None:
    read = in_context(text)
    assert len(read) == len(text)
    assert in_context(read) == read
