import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pingze.network.batches import encode_sequence, epoch_order, pack
from pingze.network.vocabulary import BOS, EOS, Vocabulary

VOCABULARY = Vocabulary.of_texts(["天地山水風月"], size=20)
sequences = st.lists(
    st.lists(st.integers(4, 9), min_size=1, max_size=8).map(lambda ids: np.array([BOS, *ids])), min_size=1, max_size=7
)


def test_a_short_text_is_followed_by_eos_a_long_one_is_cut() -> None:
    ids = VOCABULARY.encode("天地山水").tolist()
    assert encode_sequence("天地山水", VOCABULARY, 5).tolist() == [BOS, *ids, EOS]
    assert encode_sequence("天地山水", VOCABULARY, 4).tolist() == [BOS, *ids]
    assert encode_sequence("天地山水", VOCABULARY, 2).tolist() == [BOS, *ids[:2]]


@given(sequences, st.lists(st.integers(4, 9), max_size=5))
def test_every_transition_is_packed_once(sequences: list[np.ndarray], prefix: list[int]) -> None:
    batch = pack([np.array([*prefix, *sequence]) for sequence in sequences])
    expected = sorted(pair for s in sequences for pair in zip(s[:-1].tolist(), s[1:].tolist(), strict=True))
    found = (part[batch.predicted].tolist() for part in (batch.inputs, batch.targets))
    assert sorted(zip(*found, strict=True)) == expected
    assert batch.sizes.sum() == len(batch.inputs) == len(expected) + len(prefix) * len(sequences)
    assert not batch.predicted[: len(sequences) * len(prefix)].any()


@given(st.integers(1, 50), st.integers(0, 3), st.integers(0, 3))
def test_epoch_order_is_a_permutation_fixed_by_seed_and_epoch(count: int, seed: int, epoch: int) -> None:
    order = epoch_order(count, seed, epoch)
    assert sorted(order) == list(range(count))
    np.testing.assert_array_equal(order, epoch_order(count, seed, epoch))
    assert epoch_order(50, 1, 0).tolist() != epoch_order(50, 2, 1).tolist()
