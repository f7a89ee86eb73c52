"""The derivative over some steps, by machine, and how far the report's products are from it."""

import numpy as np
import torch

from pingze.arrays import Array
from pingze.lstm.formulas import StepCache
from pingze.report.derivation import latex, through_time
from pingze.report.derivation.differentiation import (
    automatic_jacobian,
    central_differences,
    last_state,
    relative_error,
)
from pingze.report.derivation.printed_lines import lines
from pingze.report.derivation.sample_layers import letters

PRODUCTS = ("R70", "R71")
"""The lines that go through time; the second goes on from the first's left side."""


class TimeSpan:
    """Some steps k+1 … t, and ∂(h_t, c_t)/∂(h_k, c_k) over them: some rows by PyTorch, some columns by differences."""

    def __init__(self, caches: list[StepCache], units: Array) -> None:
        self.caches, H = caches, caches[0].h_prev.shape[1]
        self.places = np.concatenate([units, H + units])
        given = [letters(cache) for cache in caches]
        start = np.concatenate([caches[0].h_prev[0], caches[0].c_prev[0]])
        self.rows = automatic_jacobian(lambda state: last_state(given, state, torch)[self.places], start)
        self.columns = central_differences(
            lambda values: last_state(given, _replaced(start, self.places, values), np), start[self.places]
        )

    def error(
        self, side: str, *, backwards: bool = False, left: str | None = None, central: bool = False
    ) -> float:
        """How far a side is from the derivative that the left side names, of a line as printed if none is given."""
        array = through_time.read(side, self.caches, backwards=backwards)
        wanted = through_time.read_factor(left or lines()[PRODUCTS[0]].left, {"t": len(self.caches), "k": 0})
        if wanted != (wanted.joint, len(self.caches), 0):
            raise ValueError(f"{left!r} is not the derivative of step t by step k")
        size, half = (2, 1) if wanted.joint else (1, 2)
        H, places = len(self.columns) // 2, self.places[: len(self.places) // half]
        if array.shape != (size * H, size * H):
            raise ValueError(
                f"{side!r} is no {'joint' if wanted.joint else 'hidden'} product, as its left side is"
            )
        if central:
            return relative_error(array[:, places], self.columns[: size * H, : len(places)])
        return relative_error(array[places], self.rows[: len(places), : size * H])

    def corrected_error(self, id_: str, *, central: bool = False) -> float:
        """The error of what a line should say."""
        left = lines()[PRODUCTS[0]].corrected.split(" = ")[0]
        (side,) = latex.sides(lines()[id_].corrected)
        return self.error(side, left=left, central=central)


def _replaced(vector: Array, places: Array, values: Array) -> Array:
    changed = vector.copy()
    changed[places] = values
    return changed
