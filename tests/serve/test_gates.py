"""How far a gradient reaches, held to the products of the whole Jacobians."""

import numpy as np
import pytest

from pingze.lstm.formulas import sequence_forward
from pingze.lstm.initializers import initialize
from pingze.lstm.jacobians import back_through_time
from pingze.serve.gates import reach


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_reach_is_the_norm_of_the_joint_product(steps: int) -> None:
    rng = np.random.default_rng(0)
    E, H = 5, 7
    parameters = initialize("normal", E, H, rng)
    x = rng.standard_normal((steps, 1, E)).astype(np.float32)
    zeros = np.zeros((1, H), np.float32)
    _, caches = sequence_forward(x, zeros, zeros, parameters)
    whole = list(back_through_time(caches[1:])) if steps > 1 else []
    expected = [1.0, *(np.linalg.norm(products.whole) / np.sqrt(H) for products in whole)][::-1]
    assert reach(caches) == pytest.approx(expected, rel=1e-5)
