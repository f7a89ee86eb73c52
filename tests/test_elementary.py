"""tanh beside NumPy's in float64."""

import numpy as np
import pytest

from pingze.elementary import tanh


@pytest.mark.parametrize("shape", [(0, 3), (7,), (3, 40_001)])
def test_tanh_is_near_and_keeps_shape_and_precision(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape) * 5
    np.testing.assert_array_equal(tanh(x), np.tanh(x))
    y = tanh(x.astype(np.float32))
    assert y.dtype == np.float32
    assert y.shape == shape
    np.testing.assert_allclose(y, np.tanh(x), atol=2e-6)


def test_tanh_of_what_lies_otherwise_in_memory_and_of_no_number() -> None:
    x = np.linspace(-9, 9, 60, dtype=np.float32).reshape(6, 10)
    np.testing.assert_array_equal(tanh(x.T[::2]), tanh(x).T[::2])
    np.testing.assert_allclose(tanh(np.float32([np.inf, -np.inf, 0, np.nan])), [1, -1, 0, np.nan], atol=2e-6)
