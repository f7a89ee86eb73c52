"""The tokens: those of a text, those that stand before it, and how sequences are packed."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingze.errors import InputError
from pingze.network.batches import encode_sequence, pack
from pingze.network.conditions import LONGEST_TITLE, Conditions
from pingze.network.vocabulary import BOS, EOS, SPECIAL_TOKENS, Vocabulary

TOKENS = ("<五絕>", "<七律>", "<張甲>", "<李乙>")
DYNASTIC = Vocabulary.of_texts(
    ["天地山水"], 20, ("<五絕>", "<唐>", "<張甲>", "<李乙>", "<宋>", "<王丙>")
)
VOCABULARY = Vocabulary.of_texts(["天地山水風月"], 20, TOKENS)


def test_a_vocabulary_has_its_condition_tokens_after_the_special_ones() -> None:
    assert VOCABULARY.tokens[4:8] == TOKENS == VOCABULARY.condition_tokens
    assert VOCABULARY.is_han.tolist() == [*[False] * 8, *[True] * 6]
    assert Conditions(VOCABULARY).poets == ["張甲", "李乙"]
    assert not Conditions(Vocabulary.of_texts(["天地"], 20))


@pytest.mark.parametrize(
    ("conditions", "tokens"),
    [
        (("五絕", "李乙", "山水"), ["<五絕>", "<李乙>", "山水"]),
        ((None, None, None), ["", "", ""]),
        (("七古", "王丙", "山龘"), ["", "", "山<unk>"]),
        ((None, None, "《山、水》 二首"), ["", "", "山水<unk><unk>"]),
        ((None, None, "山" * 30), ["", "", "山" * LONGEST_TITLE]),
    ],
)
def test_each_condition_has_its_tokens(
    conditions: tuple[str | None, ...], tokens: list[str]
) -> None:
    form, poet, title = conditions
    prefix = Conditions(VOCABULARY).prefix(form, poet, title)
    assert VOCABULARY.decode(prefix.form) == tokens[0]
    assert VOCABULARY.decode(prefix.poet) == tokens[1]
    assert VOCABULARY.decode(prefix.title) == tokens[2]
    assert len(prefix.dynasty) == 0  # the vocabulary has no token of a dynasty


@pytest.mark.parametrize(
    ("about", "tokens"),
    [(None, ""), ("", ""), ("山 水", "<about>山水"), ("，", ""), ("龘", "<about><unk>")],
)
def test_a_theme_has_a_token_before_it(about: str | None, tokens: str) -> None:
    thematic = Vocabulary.of_texts(["天地山水"], 20, ("<五絕>", "<about>", "<張甲>"))
    prefix = Conditions(thematic).prefix(None, None, None, about=about)
    assert thematic.decode(prefix.about) == tokens
    assert Conditions(thematic).poets == ["張甲"]
    assert not len(Conditions(VOCABULARY).prefix(None, None, None, about=about).about)


def test_a_poet_tells_the_dynasty() -> None:
    conditions = Conditions(DYNASTIC)
    assert conditions.poets == ["張甲", "李乙", "王丙"]
    for poet, token in ((None, "<唐>"), ("李乙", "<唐>"), ("王丙", "<宋>"), ("陳丁", "<唐>")):
        assert DYNASTIC.decode(conditions.prefix(None, poet, None).dynasty) == token
    assert DYNASTIC.decode(conditions.prefix(None, None, None, "宋").dynasty) == "<宋>"


def test_most_frequent_first_ties_by_code_point() -> None:
    vocabulary = Vocabulary.of_texts(["月月山水，", "水月山，，，"], size=8)
    assert vocabulary.tokens == (*SPECIAL_TOKENS, "，", "月", "山", "水")
    assert vocabulary.is_han.tolist() == [*[False] * 5, True, True, True]


def test_contradictions_are_refused() -> None:
    with pytest.raises(InputError, match="begins with <pad> <bos> <eos> <unk>"):
        Vocabulary(["月"])
    with pytest.raises(InputError, match="each token once"):
        Vocabulary([*SPECIAL_TOKENS, "月", "月"])


sequences = st.lists(
    st.lists(st.integers(4, 9), min_size=1, max_size=8).map(lambda ids: np.array([BOS, *ids])),
    min_size=1,
    max_size=7,
)


def test_a_short_text_is_followed_by_eos() -> None:
    ids = VOCABULARY.encode("天地山水").tolist()
    assert encode_sequence("天地山水", VOCABULARY, 5).tolist() == [BOS, *ids, EOS]


def test_a_long_text_is_cut() -> None:
    ids = VOCABULARY.encode("天地山水").tolist()
    assert encode_sequence("天地山水", VOCABULARY, 4).tolist() == [BOS, *ids]
    assert encode_sequence("天地山水", VOCABULARY, 2).tolist() == [BOS, *ids[:2]]


@given(sequences, st.lists(st.integers(4, 9), max_size=5))
def test_every_transition_is_packed_once(sequences: list[np.ndarray], prefix: list[int]) -> None:
    batch = pack([np.array([*prefix, *sequence]) for sequence in sequences])
    expected = []
    for sequence in sequences:
        expected += pairwise(sequence.tolist())
    inputs = batch.inputs[batch.predicted].tolist()
    targets = batch.targets[batch.predicted].tolist()
    assert sorted(zip(inputs, targets, strict=True)) == sorted(expected)
    assert batch.sizes.sum() == len(batch.inputs) == len(expected) + len(prefix) * len(sequences)
    assert not batch.predicted[: len(sequences) * len(prefix)].any()
