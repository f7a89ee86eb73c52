"""Measure the error of each line of the report's Part 1, on random and on trained layers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

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
UNITS = 6
"""The number of hidden units that are drawn at random at each step of the trained layer.

Only these are differentiated, because the Jacobians of all units would be too large.
"""
INPUTS = 4
"""The number of entries of x that are drawn at random at each step of the trained layer."""
PRODUCTS = ("R70", "R71")
"""The two lines that state ∂h_t/∂h_k as a product over time.

R71 continues the equation that R70 begins.
"""

DIAGONAL = "a row scaling of the identity"
"""The liberty to write a vector v for the diagonal matrix diag[v]."""
FURTHER_TERM = "a term of a further equality"
"""The liberty to read the + at the beginning of a sum as =."""
QUALIFIERS = (latex.ROW_SCALING, latex.OUTER_PRODUCT, DIAGONAL, FURTHER_TERM)
WRONG = "wrong"
"""The verdict on a wrong line. Every other verdict begins with "right"."""
# What a reader must allow for a line to be right.
NOTHING = "nothing"
CONVENTION = "a convention for products"
RENAMING = "a renaming"  # net_c is read as net_c̃
SIGN = "a sign"  # + is read as =


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
    """`WRONG`, or "right" with the liberties of the reading, as in "right as a row scaling"."""
    granted: str
    """What must be granted to call the line right.

    `NOTHING`, `CONVENTION`, `RENAMING` or `SIGN`; "" if the line is wrong.
    """
    printed_error: float
    """The printed line's error.

    This is the error of the worst reading if all readings must be right, and otherwise the error of
    the best reading.
    """
    corrected_error: float
    """The corrected line's error.

    Like `printed_error`, it is measured against automatic differentiation.
    """
    readings: dict[str, float]
    """The error of each reading, by the reading's name.

    The last line of a sum also has an entry for the whole sum.
    """
    fault: str
    correction: str


@dataclass(frozen=True)
class LineReading:
    """The error and liberties (see `latex.read`) of one reading.

    `liberties` is None for a whole sum of lines.
    """

    error: float
    liberties: frozenset[str] | None = frozenset()


@dataclass(frozen=True)
class Measurement:
    """A line's errors on one LSTM step or layer.

    The line is right if all its readings are right or, if `every` is False, if one of them is.
    """

    readings: dict[str, LineReading]
    corrected: float
    every: bool


def derive(model: str | Path = "report", seed: int = 0) -> list[LineResult]:
    """Measure and judge every line of the report on random layers and a trained one."""
    rng = np.random.default_rng(seed)
    # 1) Run the layers. The products over time need `max(DISTANCES)` steps. The trained layer
    # starts from a state of zeros, so it runs twice as many steps, and the products use the last.
    layers = [differentiation.random_layer(E, H, max(DISTANCES), rng) for E, H in SHAPES]
    trained = differentiation.trained_layer(model, 2 * max(DISTANCES))
    # 2) Choose steps to measure on. Lines of the forward pass are measured on whole steps, but
    # derivatives on only some units of the trained layer, whose whole Jacobians are too large.
    forward_points = [Point(letters(layer[0])) for layer in layers]
    derivative_points = list(forward_points)
    for cache in trained[3::4]:  # every fourth step
        forward_points.append(Point(letters(cache)))
        units = _random_indices(cache.h_prev.size, UNITS, rng)
        inputs = _random_indices(cache.x.size, INPUTS, rng)
        derivative_points.append(Point(letters(cache, units, inputs)))
    # 3) Measure the two lines that state products over time.
    layers.append(trained)
    products_by_layer = [measure_through_time(layer, rng) for layer in layers]
    # 4) Measure the other lines, and judge each line.
    results = []
    for id_, line in lines().items():
        if id_ in PRODUCTS:
            measurements = [measurement[id_] for measurement in products_by_layer]
        else:
            _, by = latex.left_side(line.left)
            points = forward_points if by is None else derivative_points
            measurements = [point.measured(id_) for point in points]
        results.append(result(id_, line, measurements))
    return results


class Point:
    """One LSTM step with given inputs and weights (see `letters`), to measure printed lines on."""

    def __init__(self, given: Mapping[str, Array]) -> None:
        self.given = given
        self.lines = lines()
        self.values = differentiation.step(given, np)
        """The value of every letter, also W_gh and W_gx, the parts of W_g for h_prev and x."""
        H = len(self.values["h_prev"])
        for g in "fico":
            self.values[f"W_{g}h"] = given[f"W_{g}"][:, :H]
            self.values[f"W_{g}x"] = given[f"W_{g}"][:, H:]
        self._automatic: dict[tuple[str, str, str], Array] = {}

    def automatic(self, of: str, by: str, through: str = "fico") -> Array:
        """Compute ∂of/∂by with PyTorch, once. The axes of `of` precede those of `by`.

        `through` lists the gates that may change with `by`; "fico" is all gates. The other gates
        are held constant.
        """
        key = (of, by, through)
        if key not in self._automatic:
            # A gate is held constant by giving its net, which is then not computed from `by`.
            given = dict(self.given)
            for g in "fico":
                if g not in through:
                    given[f"net_{g}"] = self.values[f"net_{g}"]

            def function(value: Any) -> Any:
                return differentiation.step(given | {by: value}, torch)[of]

            value = self.values[by]
            self._automatic[key] = differentiation.automatic_jacobian(function, value)
        return self._automatic[key]

    def measured(self, id_: str) -> Measurement:
        """Measure a line that states a value of the forward pass or a derivative of one step."""
        line = self.lines[id_]
        sum_ids = sum_of(id_, self.lines)
        readings = self.readings(id_)
        # A correction that removes the line has no sides, and so no error.
        corrected_sides = latex.sides(line.corrected)
        corrected_errors = [self._compare(side, line).error for side in corrected_sides]
        # The whole sum is measured once, at its last line.
        if sum_ids and id_ == sum_ids[-1]:
            sum_error = self._total_error(sum_ids, corrected=False)
            readings[f"{sum_ids[0]} to {id_} together"] = LineReading(sum_error, liberties=None)
            corrected_errors.append(self._total_error(sum_ids, corrected=True))
        # The readings of a line outside a sum are equalities, which must all hold. The readings of
        # a line in a sum are alternatives.
        return Measurement(
            readings=readings,
            corrected=max(corrected_errors, default=0.0),
            every=not sum_ids,
        )

    def readings(self, id_: str) -> dict[str, LineReading]:
        """Return the error of every plausible reading of a line, keyed by the reading's name."""
        line = self.lines[id_]
        readings = {}
        # 1) A line that is not part of a sum states equalities, and all of them must hold.
        if not line.sum:
            for number, side in enumerate(latex.sides(line.formula), start=1):
                readings[f"equality {number}"] = self._compare(side, line)
            return readings
        # 2) A line that is part of a sum is one of its terms.
        first_of_sum = sum_of(id_, self.lines)[0]
        begins_with_plus = self.lines[first_of_sum].formula.startswith("+")
        term = FURTHER_TERM if begins_with_plus else "a term of its sum"
        for change, formula in line.readings.items():
            name = f"{term}, {change}" if change else term
            side = latex.sides(formula)[0]  # a term has one side
            readings[name] = self._compare(side, line)
        # 3) A sum that begins with + may continue the sum before it, or its + is a misprint for =.
        if begins_with_plus:
            ids = list(self.lines)
            last = ids.index(id_)
            # Go back to the line with the = sign after which the sum before begins.
            first = last
            while "=" not in self.lines[ids[first]].formula:
                first -= 1
            continued_sum = ids[first : last + 1]
            error_as_sum = self._total_error(continued_sum, corrected=False)
            error_alone = self._total_error([id_], corrected=False)
            readings["a further sum"] = LineReading(error_as_sum)
            readings["a further equality by itself"] = LineReading(error_alone)
        return readings

    def _reference(self, line: PrintedLine, through: str = "fico") -> Array:
        """Return the true value of a line's left-hand side.

        If the left-hand side is a derivative, gates that are not in `through` are held constant.
        """
        of, by = latex.left_side(line.left)
        if by is None:
            value: Array = self.values[of]
            return value
        return self.automatic(of, by, through)

    def _read(self, side: str) -> tuple[Array, frozenset[str]]:
        """Evaluate one side of an equation.

        The value is NaN if the side cannot be read or its shapes do not fit.
        """
        try:
            return latex.read(side, self.values, self.automatic)
        except ValueError:
            return np.array(np.nan), frozenset()

    def _compare(self, side: str, line: PrintedLine) -> LineReading:
        """Compare one side of an equation with the true left-hand side."""
        array, liberties = self._read(side)
        # A term of a sum is the part of a derivative that passes through certain gates. If this
        # part is 0, the error is taken relative to the whole derivative.
        part = self._reference(line, line.through)
        whole = self._reference(line)
        # `relative_error` reads a vector as a diagonal matrix if the reference is a matrix.
        if array.ndim == 1 and part.ndim > 1:
            liberties |= {DIAGONAL}
        error = relative_error(array, part, whole)
        return LineReading(error, liberties)

    def _total_error(self, ids: Sequence[str], *, corrected: bool) -> float:
        """Add up lines, and return the total's error against the whole derivative.

        Each line is taken in its corrected form if `corrected` is True, otherwise in its first
        reading.
        """
        terms = []
        for id_ in ids:
            line = self.lines[id_]
            formula = line.corrected
            if not corrected:
                formula = next(iter(line.readings.values()))
            for side in latex.sides(formula):
                term, _ = self._read(side)
                terms.append(term)
        # NumPy would broadcast terms of different shapes, which linear algebra cannot add.
        shapes = {term.shape for term in terms}
        if len(shapes) > 1:
            return np.inf
        total = np.asarray(np.sum(terms, axis=0))
        first_line = self.lines[ids[0]]
        return relative_error(total, self._reference(first_line))


def measure_through_time(
    caches: Sequence[StepCache], rng: np.random.Generator
) -> dict[str, Measurement]:
    """Measure lines R70 and R71 over the last steps of a layer, on random rows and columns.

    Both lines print the product of ∂h_{i+1}/∂h_i. In R71 the index i runs in the wrong direction,
    perhaps by mistake. The corrected lines use the joint Jacobians of h and c instead.
    """
    H = caches[0].h_prev.shape[1]
    units = _random_indices(H, UNITS, rng)
    places = np.concatenate([units, H + units])  # the units' indices in h and in c of [h, c]
    by_distance = {}
    errors = []
    for distance in DISTANCES:
        steps = caches[-distance:]
        # 1) The true rows of ∂[h_t, c_t]/∂[h_k, c_k].
        rows = differentiation.state_derivative(steps, places)
        of_hidden_by_hidden = rows[: len(units), :H]
        # 2) The products as printed, and corrected; [0] is the only row of the batch.
        factors = [of_hidden(cache).h_prev[0] for cache in steps]
        r70_product = reduce(np.matmul, reversed(factors))[units]  # the last step comes first
        r71_product = reduce(np.matmul, factors)[units]  # the first step comes first
        corrected_product = joint_product(steps)[0]
        # 3) Their errors.
        r70_error = relative_error(r70_product, of_hidden_by_hidden)
        r71_error = relative_error(r71_product, of_hidden_by_hidden)
        corrected_error = relative_error(corrected_product[places], rows)
        by_distance[f"t - k = {distance}"] = LineReading(r70_error)
        errors.append([r70_error, r71_error, corrected_error])
    # 4) R70 must hold at every distance, but R71 in only one of the two orders that it may mean.
    r70, r71, corrected = np.max(errors, axis=0).tolist()
    by_order = {
        "factors in R70's order": LineReading(r70),
        "factors in the index's order": LineReading(r71),
    }
    return {
        PRODUCTS[0]: Measurement(readings=by_distance, corrected=corrected, every=True),
        PRODUCTS[1]: Measurement(readings=by_order, corrected=corrected, every=False),
    }


def result(id_: str, line: PrintedLine, points: Sequence[Measurement]) -> LineResult:
    """Combine a line's measurements at all points, and judge the line."""
    # 1) Find the largest error of each reading. All points have the same readings.
    first = points[0]
    errors = {}
    for name in first.readings:
        errors[name] = max(point.readings[name].error for point in points)
    # 2) Choose the reading that decides: the worst if all must be right, otherwise the best. The
    # whole sum, which has no liberties, does not decide on one of its lines.
    line_readings = []
    for name, reading in first.readings.items():
        if reading.liberties is not None:
            line_readings.append(name)
    choose = max if first.every else min
    decisive = choose(line_readings, key=lambda name: errors[name])
    # 3) Collect its liberties. Its name is added because `FURTHER_TERM` is also a liberty.
    liberties = {decisive}
    for point in points:
        liberties |= point.readings[decisive].liberties or frozenset()
    # 4) Judge the line.
    verdict = WRONG
    granted = ""
    if errors[decisive] <= TOLERANCE:
        verdict, granted = _verdict_if_right(liberties)
    return LineResult(
        id=id_,
        place=line.place,
        formula=line.formula,
        verdict=verdict,
        granted=granted,
        printed_error=errors[decisive],
        corrected_error=max(point.corrected for point in points),
        readings=errors,
        fault=line.fault,
        correction=line.correction,
    )


def _verdict_if_right(liberties: Collection[str]) -> tuple[str, str]:
    """Return the verdict on a right line, and the largest concession that it needs.

    A sign is a larger concession than a convention, and a convention is larger than a renaming.
    """
    qualifiers = [name for name in QUALIFIERS if name in liberties]
    verdict = "right"
    granted = NOTHING
    if qualifiers:
        verdict += f" as {' and '.join(qualifiers)}"
    if latex.NAME in liberties:
        verdict += f", {latex.NAME}"
        granted = RENAMING
    if qualifiers:
        granted = CONVENTION
    if FURTHER_TERM in liberties:
        granted = SIGN
    return verdict, granted


def _random_indices(size: int, count: int, rng: np.random.Generator) -> Array:
    """Draw `count` indices below `size`, or all if there are fewer."""
    return rng.choice(size, min(size, count), replace=False)
