"""Comparing arrays by name: relative error, and no NaN, which would pass a `>` unseen."""

from collections.abc import Mapping

import numpy as np


def assert_close(
    actual: Mapping[str, object], expected: Mapping[str, object], tolerance: float
) -> None:
    """Every named array within `tolerance` of the one expected, without NaN; the message names what is not."""
    assert actual.keys() == expected.keys()
    errors = {}
    for name in expected:
        a, e = (np.asarray(value) for value in (actual[name], expected[name]))
        assert a.shape == e.shape, f"{name}: {a.shape} instead of {e.shape}"
        assert not np.isnan(a).any(), f"{name} holds NaN"
        # The RMS of the difference over that of what is expected.
        difference = a.astype(np.float64) - e.astype(np.float64)
        errors[name] = float(np.sqrt((difference**2).mean()) / max(np.sqrt((e**2).mean()), 1e-30))
    assert max(errors.values()) <= tolerance, f"relative errors {errors}, tolerance {tolerance}"
