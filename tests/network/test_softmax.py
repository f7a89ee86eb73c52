"""The softmax against torch's, and against NumPy's where exponentials underflow."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pingze.network.softmax import log_softmax, log_sum_exp, softmax


@given(
    shape=st.sampled_from([(7,), (1, 1), (3, 50), (2, 3, 5)]),
    scale=st.sampled_from([0.0, 1.0, 100.0]),
    seed=st.integers(0, 99),
)
def test_agrees_with_torch(shape: tuple[int, ...], scale: float, seed: int) -> None:
    logits = np.random.default_rng(seed).standard_normal(shape) * scale
    expected = torch.softmax(torch.from_numpy(logits), dim=-1).numpy()
    np.testing.assert_allclose(softmax(logits)[0], expected, rtol=1e-4, atol=1e-30)
    np.testing.assert_allclose(
        log_softmax(logits), torch.log_softmax(torch.from_numpy(logits), dim=-1).numpy(), rtol=1e-5, atol=1e-5
    )


def test_what_is_excluded_stays_excluded() -> None:
    logits = np.array([[1.0, -np.inf, 1e4], [0.0, 0.0, -np.inf]])
    np.testing.assert_allclose(
        log_softmax(logits), [[1 - 1e4, -np.inf, 0], [-np.log(2), -np.log(2), -np.inf]]
    )
    np.testing.assert_allclose(softmax(logits)[0], [[0, 0, 1], [0.5, 0.5, 0]])


def test_a_row_is_the_same_among_others() -> None:
    rows = np.random.default_rng(0).standard_normal((64, 7261)).astype(np.float32)
    p, log_sums = softmax(rows)
    for among_others, alone in zip(
        (p, log_sums, log_softmax(rows)), (*softmax(rows[7:9]), log_softmax(rows[7:9])), strict=True
    ):
        np.testing.assert_array_equal(among_others[7:9], alone)
    np.testing.assert_array_equal(log_sum_exp(rows), log_sums)
