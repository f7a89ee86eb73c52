"""Round weights to 8 bits: each row is a scale times whole numbers, which the shipped models hold."""

from typing import NamedTuple

import numpy as np

from pingze.arrays import Array, Float, Int8

LARGEST_WEIGHT = 64
"""Processors without VNNI add two products in 16 bits, and 2 · 255 · 64 < 2^15."""
_ROWS = 128
"""As many rows are rounded at once as stay in the processor's cache."""


class Rounded(NamedTuple):
    """A weight in 8 bits: row n is `scale[n] * whole[n]`. To round that again gives the same numbers."""

    whole: Int8[Array, "N K"]
    """From -`LARGEST_WEIGHT` to `LARGEST_WEIGHT`."""
    scale: Float[Array, "N"]

    @property
    def weight(self) -> Float[Array, "N K"]:
        """The weight in float32."""
        weight: Array = self.whole * self.scale[:, None]
        return weight

    @property
    def columns(self) -> Int8[Array, "K N"]:
        """The whole numbers transposed, as ONNX multiplies by them."""
        columns = np.empty(self.whole.shape[::-1], np.int8)
        for start in range(0, len(self.whole), 32):  # three times as fast as all at once
            columns[:, start : start + 32] = self.whole[start : start + 32].T
        return columns


def rounded(weight: Float[Array, "N K"]) -> Rounded:
    """Round a weight.

    Args:
        weight: In any precision, (N, K).
    """
    whole, scale = np.empty(weight.shape, np.int8), np.empty(len(weight), np.float32)
    for start in range(0, len(weight), _ROWS):
        rows = weight[start : start + _ROWS].astype(np.float32)
        scales = np.maximum(rows.max(axis=1), -rows.min(axis=1)) / np.float32(LARGEST_WEIGHT)
        scales[scales == 0] = 1
        rows /= scales[:, None]
        whole[start : start + _ROWS] = np.rint(rows, out=rows)
        scale[start : start + _ROWS] = scales
    return Rounded(whole, scale)
