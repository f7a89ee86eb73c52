"""Measure the error of each line of the report's Part 1, on layers with random and with trained weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from pingze.arrays import Array
from pingze.derivation import PrintedLine, differentiation, latex, lines, sum_of
from pingze.derivation.differentiation import letters, relative_error
from pingze.lstm.formulas import StepCache
from pingze.lstm.jacobians import joint_product, of_hidden

TOLERANCE = 1e-9
"""A line counts as right if its error is at most this."""
SHAPES = ((3, 4), (5, 2), (4, 6))
"""The input and hidden sizes (E, H) of the random layers."""
DISTANCES = (1, 2, 4, 8)
"""The distances t - k over which lines R70 and R71 are measured."""
UNITS, INPUTS = 6, 4
"""The numbers of units and inputs drawn at random from the trained layer per step.

Only these are differentiated.
"""
PRODUCTS = ("R70", "R71")
"""The two lines that state ∂h_t/∂h_k as a product over time.

R71 continues the equation that R70 begins.
"""

DIAGONAL = "a row scaling of the identity"
FURTHER_TERM = "a term of a further equality"
QUALIFIERS = (latex.ROW_SCALING, latex.OUTER_PRODUCT, DIAGONAL, FURTHER_TERM)
WRONG = "wrong"
"""The verdict on a wrong line. Every other verdict begins with "right"."""
NOTHING, CONVENTION, RENAMING, SIGN = "nothing", "a convention for products", "a renaming", "a sign"
"""What a reader must allow for a line to be right. `RENAMING` is reading net_c as net_c̃.

`SIGN` is reading + as =.
"""


@dataclass(frozen=True)
class LineResult:
    """The errors of a printed line and the verdict on it.

    The other fields are those of `PrintedLine`.

    Errors are relative, in the Frobenius norm. A line is measured on several LSTM steps (see
    `Point`) or layers, and each field keeps the largest error. If the shapes do not fit, the error
    is infinite.
    """

    id: str
    place: str
    formula: str
    verdict: str
    """`WRONG`, or "right" with the liberties that were needed to read the line, as in "right as a row scaling"."""
    granted: str
    """What must be granted to call the line right.

    `NOTHING`, `CONVENTION`, `RENAMING` or `SIGN`; "" if it is wrong.
    """
    printed_error: float
    """The printed line's error: that of the worst reading if all readings must be right, else that of the best."""
    corrected_error: float
    """The corrected line's error.

    Like `printed_error`, it is measured against automatic differentiation.
    """
    central_error: float | None
    """The corrected line's error against central differences; None if the line is not a derivative."""
    readings: dict[str, float]
    """The error of each reading, by the reading's name.

    The last line of a sum also has an entry for the whole sum.
    """
    fault: str
    correction: str


class LineReading(NamedTuple):
    """The error and liberties (see `latex.read`) of one reading.

    `liberties` is None for a whole sum of lines.
    """

    error: float
    liberties: frozenset[str] | None = frozenset()


class Measurement(NamedTuple):
    """A line's errors on one LSTM step or layer.

    If `every` is True, all readings must be right, else one suffices.
    """

    readings: dict[str, LineReading]
    corrected: float
    central: float | None
    every: bool


def derive(model: str | Path = "report", seed: int = 0) -> list[LineResult]:
    """Measure every line of the report on random layers and on the first layer of a checkpoint.

    Judge each line.
    """
    rng = np.random.default_rng(seed)
    layers = [differentiation.random_layer(E, H, max(DISTANCES), rng) for E, H in SHAPES]
    trained = differentiation.trained_layer(model, 2 * max(DISTANCES))
    # Lines of the forward pass are measured on whole steps of the trained layer, derivatives on
    # some of its units.
    random = [Point(letters(layer[0])) for layer in layers]
    whole, parts = list(random), list(random)
    for at in trained[3::4]:
        whole.append(Point(letters(at)))
        parts.append(
            Point(letters(at, _drawn(at.h_prev.size, UNITS, rng), _drawn(at.x.size, INPUTS, rng)))
        )
    in_time = [measure_through_time(layer, rng) for layer in (*layers, trained)]
    found = {id_: [products[id_] for products in in_time] for id_ in PRODUCTS}
    for id_, line in lines().items():
        if id_ not in PRODUCTS:
            found[id_] = [
                point.measured(id_) for point in (parts if latex.left_side(line.left)[1] else whole)
            ]
    return [result(id_, line, found[id_]) for id_, line in lines().items()]


class Point:
    """One LSTM step with given inputs and weights (see `letters`), on which printed lines are measured."""

    def __init__(self, given: Mapping[str, Array]) -> None:
        self.given, self.lines = given, lines()
        self.values = differentiation.step(given, np)
        """The value of every letter, and W_gh and W_gx: the parts of each gate's W_g that act on h_prev and x."""
        H = len(self.values["h_prev"])
        for g in "fico":
            self.values |= {f"W_{g}h": given[f"W_{g}"][:, :H], f"W_{g}x": given[f"W_{g}"][:, H:]}
        self.automatic = cache(self._derivative)
        """`automatic(of, by, through)` is ∂of/∂by, computed with PyTorch.

        The axes of `of` precede those of `by`.

        `through` lists the gates that may change with `by`; "fico" is all gates. The other gates
        are held constant.
        """

    def measured(self, id_: str) -> Measurement:
        """Measure a line that states a value of the forward pass or a derivative within one step."""
        line, rows = self.lines[id_], sum_of(id_, self.lines)
        of, by = latex.left_side(line.left)
        readings, corrected = self.readings(id_), self._corrected_error(line)
        if rows and id_ == rows[-1]:
            together = self._total_error(rows, corrected=False)
            readings[f"{rows[0]} to {id_} together"] = LineReading(together, liberties=None)
            corrected = max(corrected, self._total_error(rows, corrected=True))
        central = (
            self._corrected_error(line, self._derivative(of, by, line.through, np)) if by else None
        )
        return Measurement(readings, corrected, central, every=not rows)

    def readings(self, id_: str) -> dict[str, LineReading]:
        """Return the error of every plausible reading of a line, keyed by the reading's name."""
        line = self.lines[id_]
        # 1) A row that is not part of a sum states equalities, and all of them must hold.
        if not line.sum:
            sides = latex.sides(line.formula)
            return {
                f"equality {n}": self._compare(side, line) for n, side in enumerate(sides, start=1)
            }
        # 2) A row that is part of a sum is one of its terms.
        rows = sum_of(id_, self.lines)
        further = self.lines[rows[0]].formula.startswith("+")
        name = FURTHER_TERM if further else "a term of its sum"
        readings = {
            f"{name}, {way}" if way else name: self._compare(latex.sides(formula)[0], line)
            for way, formula in line.ways.items()
        }
        # 3) A sum that begins with + may continue the sum before it, or its + is a misprint for =.
        if further:
            ids = list(self.lines)
            before = ids[: ids.index(id_) + 1]
            equality = max(n for n, row in enumerate(before) if "=" in self.lines[row].formula)
            readings["a further sum"] = LineReading(
                self._total_error(before[equality:], corrected=False)
            )
            readings["a further equality by itself"] = LineReading(
                self._total_error([id_], corrected=False)
            )
        return readings

    def _derivative(self, of: str, by: str, through: str = "fico", xp: Any = torch) -> Array:
        """Return ∂of/∂by as `automatic` does or, if `xp` is numpy, by central differences."""
        fixed = {f"net_{g}": self.values[f"net_{g}"] for g in "fico" if g not in through}
        differentiate = (
            differentiation.automatic_jacobian
            if xp is torch
            else differentiation.central_differences
        )
        given = {**self.given, **fixed}
        return differentiate(
            lambda value: differentiation.step({**given, by: value}, xp)[of], self.values[by]
        )

    def _reference(self, line: PrintedLine, through: str = "fico") -> Array:
        """Return the true value of a line's left-hand side.

        In a derivative, gates not in `through` are constant.
        """
        of, by = latex.left_side(line.left)
        return self.automatic(of, by, through) if by else self.values[of]

    def _read(self, side: str) -> tuple[Array, frozenset[str]]:
        """Evaluate one side of an equation.

        The value is NaN if the side cannot be read or its shapes do not fit.
        """
        try:
            return latex.read(side, self.values, self.automatic)
        except ValueError:
            return np.array(np.nan), frozenset()

    def _compare(self, side: str, line: PrintedLine, reference: Array | None = None) -> LineReading:
        """Compare one side of an equation with a reference, by default the true value of the left-hand side."""
        array, liberties = self._read(side)
        reference = self._reference(line, line.through) if reference is None else reference
        if array.ndim == 1 < reference.ndim:
            liberties |= {DIAGONAL}
        return LineReading(relative_error(array, reference, self._reference(line)), liberties)

    def _corrected_error(self, line: PrintedLine, reference: Array | None = None) -> float:
        """Return the largest error of a corrected line's right-hand sides, or 0 if the correction removes the line."""
        sides = latex.sides(line.corrected)
        return max((self._compare(side, line, reference).error for side in sides), default=0.0)

    def _total_error(self, rows: Sequence[str], *, corrected: bool) -> float:
        """Add up lines, corrected or in their first reading.

        Return the total's error against the whole derivative.
        """
        found = [self.lines[row] for row in rows]
        texts = [line.corrected if corrected else next(iter(line.ways.values())) for line in found]
        terms = [self._read(side)[0] for text in texts for side in latex.sides(text)]
        if len({term.shape for term in terms}) > 1:
            return np.inf
        return relative_error(np.asarray(np.sum(terms, axis=0)), self._reference(found[0]))


def measure_through_time(
    caches: Sequence[StepCache], rng: np.random.Generator
) -> dict[str, Measurement]:
    """Measure lines R70 and R71 over the last steps of a layer, on randomly drawn rows and columns of the Jacobian.

    Both lines print the product of ∂h_{i+1}/∂h_i. In R71 the index i runs in the wrong direction,
    perhaps by mistake. The corrected lines use the joint Jacobians of h and c instead.
    """
    H = caches[0].h_prev.shape[1]
    units = _drawn(H, UNITS, rng)
    places = np.concatenate([units, H + units])
    by_distance, errors = {}, []
    for distance in DISTANCES:
        steps = caches[-distance:]
        rows, columns = differentiation.state_derivative(steps, places)
        factors, whole = [of_hidden(cache).h_prev[0] for cache in steps], joint_product(steps)[0]
        printed = [reduce(np.matmul, ordered)[units] for ordered in (factors[::-1], factors)]
        found = [relative_error(each, rows[: len(units), :H]) for each in printed]
        errors.append(
            [*found, relative_error(whole[places], rows), relative_error(whole[:, places], columns)]
        )
        by_distance[f"t - k = {distance}"] = LineReading(found[0])
    in_order, by_index, corrected, central = np.max(errors, axis=0).tolist()
    by_order = {
        "factors in R70's order": LineReading(in_order),
        "factors in the index's order": LineReading(by_index),
    }
    return {
        PRODUCTS[0]: Measurement(by_distance, corrected, central, every=True),
        PRODUCTS[1]: Measurement(by_order, corrected, central, every=False),
    }


def result(id_: str, line: PrintedLine, points: Sequence[Measurement]) -> LineResult:
    """Combine a line's measurements at all points, and judge the line."""
    readings = {
        name: max(point.readings[name].error for point in points) for name in points[0].readings
    }
    own = [name for name, reading in points[0].readings.items() if reading.liberties is not None]
    chosen = (max if points[0].every else min)(own, key=readings.__getitem__)
    liberties = frozenset({chosen}).union(
        *(point.readings[chosen].liberties or () for point in points)
    )
    # Name the largest concession: a misprinted sign first, then a convention for products, then a
    # renaming.
    verdict, granted = WRONG, ""
    if readings[chosen] <= TOLERANCE:
        qualifiers, renamed = (
            [name for name in QUALIFIERS if name in liberties],
            latex.NAME in liberties,
        )
        verdict = f"right as {' and '.join(qualifiers)}" if qualifiers else "right"
        verdict += f", {latex.NAME}" if renamed else ""
        granted = CONVENTION if qualifiers else RENAMING if renamed else NOTHING
        granted = SIGN if FURTHER_TERM in liberties else granted
    return LineResult(
        id=id_,
        place=line.place,
        formula=line.formula,
        verdict=verdict,
        granted=granted,
        printed_error=readings[chosen],
        corrected_error=max(point.corrected for point in points),
        central_error=max(
            (point.central for point in points if point.central is not None), default=None
        ),
        readings=readings,
        fault=line.fault,
        correction=line.correction,
    )


def _drawn(size: int, count: int, rng: np.random.Generator) -> Array:
    return rng.choice(size, min(size, count), replace=False)
