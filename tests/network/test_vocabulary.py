import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.errors import InputError
from pingze.network.vocabulary import SPECIAL_TOKENS, Vocabulary

texts = st.lists(st.text(alphabet="山水風月雲，。", max_size=12), max_size=6)


def test_most_frequent_first_ties_by_code_point() -> None:
    vocabulary = Vocabulary.of_texts(["月月山水，", "水月山，，，"], size=8)
    assert vocabulary.tokens == (*SPECIAL_TOKENS, "，", "月", "山", "水")
    assert vocabulary.hanzi() == [False, False, False, True, False, True, True, True]


@given(texts)
def test_decoding_gives_the_text_again(texts: list[str]) -> None:
    vocabulary = Vocabulary.of_texts(texts, size=100)
    for text in texts:
        assert vocabulary.decode(vocabulary.encode(text)) == text


def test_contradictions_are_refused() -> None:
    for tokens, said in (
        (["月"], "begins with <pad> <bos> <eos> <unk>"),
        ([*SPECIAL_TOKENS, "月", "月"], "each token once"),
    ):
        with pytest.raises(InputError, match=said):
            Vocabulary(tokens)
