"""Comparing arrays by name: relative error, and no NaN, which would pass a `>` unseen."""

from collections.abc import Mapping

import numpy as np


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """RMS of the difference over RMS of what is expected."""
    difference = np.asarray(actual, np.float64) - np.asarray(expected, np.float64)
    return float(np.sqrt((difference**2).mean()) / max(np.sqrt((np.asarray(expected) ** 2).mean()), 1e-30))


def assert_close(actual: Mapping[str, object], expected: Mapping[str, object], tolerance: float) -> None:
    """Every named array within `tolerance` of the one expected, without NaN; the message names what is not."""
    assert actual.keys() == expected.keys()
    errors = {}
    for name in expected:
        a, e = (np.asarray(value) for value in (actual[name], expected[name]))
        assert a.shape == e.shape, f"{name}: {a.shape} instead of {e.shape}"
        assert not np.isnan(a).any(), f"{name} holds NaN"
        errors[name] = relative_error(a, e)
    assert max(errors.values()) <= tolerance, f"relative errors {errors}, tolerance {tolerance}"
