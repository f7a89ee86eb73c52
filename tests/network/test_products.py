"""Products in 8 bits: exact in whole numbers, near in float32, and the same whatever stands beside a row."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pingze.network.products import LARGEST_STATE, LARGEST_WEIGHT, in_8_bits, in_float32
from tests.comparing import relative_error

SIZES = st.integers(1, 70)


@given(B=SIZES, K=SIZES, N=SIZES, seed=st.integers(0, 9))
def test_whole_numbers_are_multiplied_exactly(B: int, K: int, N: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(-LARGEST_STATE, LARGEST_STATE + 1, (B, K)).astype(np.float32)
    weight = rng.integers(-LARGEST_WEIGHT, LARGEST_WEIGHT + 1, (N, K)).astype(np.float32)
    x[:, 0], weight[:, 0] = LARGEST_STATE, LARGEST_WEIGHT
    np.testing.assert_allclose(in_8_bits(weight)(x), x.astype(int) @ weight.T.astype(int), rtol=1e-6)


def test_real_numbers_are_rounded_a_little() -> None:
    rng = np.random.default_rng(0)
    x, weight = (rng.standard_normal(shape, dtype=np.float32) for shape in ((32, 200), (300, 200)))
    assert relative_error(in_8_bits(weight)(x), in_float32(weight)(x)) < 2 / LARGEST_WEIGHT


def test_a_row_is_the_same_among_others() -> None:
    rng = np.random.default_rng(0)
    x, weight = (rng.standard_normal(shape, dtype=np.float32) for shape in ((64, 200), (300, 200)))
    x[5] *= 1000
    product = in_8_bits(weight)
    np.testing.assert_array_equal(product(x)[7:9], product(x[7:9]))


def test_rows_of_zeros_give_zeros() -> None:
    weight = np.ones((3, 4), np.float32)
    weight[1] = 0
    assert in_8_bits(weight)(np.array([[0, 0, 0, 0], [1, 1, 1, 1]], np.float32)).tolist() == [
        [0, 0, 0],
        [4, 0, 4],
    ]
