"""The share that is allowed, against one that is found by sorting all characters."""

import numpy as np
import pytest

from pingze.composing.proposal import OUTSIDE, choose


# The least sharpness has a nucleus of most characters; exp(300) is beyond float32, exp(1000) beyond float64.
@pytest.mark.parametrize(("sharpness", "strength"), [(0.1, 0), (1, 1), (3, 0), (3, 1), (3, 30), (3, 300)])
@pytest.mark.parametrize("top_p", [0.5, 0.85, 0.99, 1.0])
def test_the_share_that_is_allowed_by_nucleus_and_lean(top_p: float, sharpness: float, strength: float) -> None:
    rng = np.random.default_rng(1)
    logits = (rng.standard_normal((8, 3000)) * sharpness).astype(np.float32)
    logits[3] *= 5
    rows = np.array([0, 1, 1, 2, 3, 3, 5, 7, 6, 4])
    shape = (len(rows), logits.shape[1])
    lean = (rng.standard_normal(shape) * strength).astype(np.float32)
    allowed = rng.random(shape) < 0.1
    log_p = logits[rows].astype(np.float64)
    log_p -= np.logaddexp.reduce(log_p, axis=1, keepdims=True)
    for row in log_p:
        ranked = np.argsort(-row)
        inside = int((np.exp(row[ranked]).cumsum() < top_p).sum()) + 1
        row[ranked[inside if top_p < 1 else len(row) :]] += np.log(OUTSIDE)
    expected = np.logaddexp.reduce(np.where(allowed, log_p + lean, -np.inf), axis=1)
    expected -= np.logaddexp.reduce(log_p, axis=1)
    log_share, ids = choose(
        logits.copy(), rows, allowed, top_p, lambda: rng.random(len(rows)), lean if strength else None
    )
    np.testing.assert_allclose(log_share, expected, rtol=1e-3, atol=0.01)
    assert allowed[np.arange(len(ids)), ids].all()
