"""The share that is allowed, against one that is found by sorting all characters."""

import numpy as np
import pytest

from pingze.composing.proposal import OUTSIDE, choose


def expected_share(p: np.ndarray, allowed: np.ndarray, top_p: float) -> float:
    """The allowed share of one row's conditional, whose tail weighs `OUTSIDE`."""
    ranked = np.argsort(-p)
    inside = ranked[: int((p[ranked].cumsum() < top_p).sum()) + 1]
    weights = p * OUTSIDE
    weights[inside] = p[inside]
    return float(weights[allowed].sum() / weights.sum())


@pytest.mark.parametrize("sharpness", [0.1, 1.0, 3.0])  # the first has a nucleus of most characters
@pytest.mark.parametrize("top_p", [0.5, 0.85, 0.99])
def test_the_share_of_the_nucleus_that_is_allowed(top_p: float, sharpness: float) -> None:
    rng = np.random.default_rng(0)
    logits = (rng.standard_normal((8, 3000)) * sharpness).astype(np.float32)
    logits[3] *= 5
    allowed = rng.random(logits.shape) < 0.3
    p = np.exp(logits.astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)
    expected = [expected_share(p[row], allowed[row], top_p) for row in range(len(p))]
    log_share, ids = choose(logits.copy(), allowed, top_p, lambda: rng.random(len(p)))
    np.testing.assert_allclose(np.exp(log_share), expected, rtol=0.01)
    assert allowed[np.arange(len(p)), ids].all()


@pytest.mark.parametrize("top_p", [0.85, 1.0])
@pytest.mark.parametrize(
    "strength", [1.0, 30.0, 300.0]
)  # exp(300) is beyond float32, exp(1000) beyond float64
def test_a_lean_of_any_size_weighs_exactly(top_p: float, strength: float) -> None:
    rng = np.random.default_rng(1)
    logits = (rng.standard_normal((6, 500)) * 3).astype(np.float32)
    lean = (rng.standard_normal(logits.shape) * strength).astype(np.float32)
    allowed = rng.random(logits.shape) < 0.1
    log_p = logits.astype(np.float64)
    log_p -= np.logaddexp.reduce(log_p, axis=1, keepdims=True)
    if top_p < 1:
        for row in log_p:
            ranked = np.argsort(-row)
            row[ranked[int((np.exp(row[ranked]).cumsum() < top_p).sum()) + 1 :]] += np.log(OUTSIDE)
    expected = np.logaddexp.reduce(np.where(allowed, log_p + lean, -np.inf), axis=1)
    expected -= np.logaddexp.reduce(log_p, axis=1)
    log_share, ids = choose(logits.copy(), allowed, top_p, lambda: rng.random(len(log_p)), lean)
    np.testing.assert_allclose(log_share, expected, rtol=1e-4, atol=1e-3)
    assert allowed[np.arange(len(ids)), ids].all()
