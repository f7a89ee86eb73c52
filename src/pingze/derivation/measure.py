"""Measure each of the report's lines: how far it is from the true derivative.

Each line is read as it is printed (`latex`), at random weights and at those of the trained model, and compared with
automatic differentiation (`differentiation`). So is what it should say, and that with central differences too.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from pingze.arrays import Array
from pingze.derivation import latex
from pingze.derivation.differentiation import (
    Differentiation,
    automatic_jacobian,
    central_differences,
    last_hidden,
)
from pingze.derivation.printed_lines import WRONG, LineResult, PrintedLine, lines, since_equality, sum_of
from pingze.derivation.sample_layers import SampleLayer, letters, random_layer, trained_layer
from pingze.lstm.formulas import StepCache
from pingze.lstm.jacobians import hidden_product, joint_product

TOLERANCE = 1e-9
"""Up to here a line is right."""
SHAPES = ((3, 4), (5, 2), (4, 6))
"""E and H of the random layers."""
DISTANCES = (1, 2, 4, 8)
"""The t - k at which the products through time are measured."""
UNITS, INPUTS = 6, 4
"""How many of the trained layer's units and inputs are measured, drawn anew for each step."""

DIAGONAL = "a row scaling of the identity"
FURTHER_TERM = "a term of a further equality"
FURTHER_SUM = "a further sum"
FURTHER_EQUALITY = "a further equality by itself"
QUALIFIERS = (latex.ROW_SCALING, latex.OUTER_PRODUCT, DIAGONAL, FURTHER_TERM)


class LineReading(NamedTuple):
    """One reading of a line: how far it is from the reference, and the liberties that it takes."""

    error: float
    liberties: frozenset[str] = frozenset()


class Measurement(NamedTuple):
    """One line at one point."""

    readings: dict[str, LineReading]
    corrected: float
    central: float | None
    together: dict[str, float]
    """The error of the whole sum, at the line that ends it; no reading of the line."""
    every: bool
    """Whether the line states all its readings, so that each must hold; else one must."""


def measure(model: str | Path, seed: int) -> list[LineResult]:
    """Every line of the report, in printed order."""
    rng = np.random.default_rng(seed)
    layers = [random_layer(E, H, max(DISTANCES), rng) for E, H in SHAPES]
    trained = trained_layer(model, 2 * max(DISTANCES))
    points = [Point(letters(layer.caches[0])) for layer in layers]
    points += [Point(_part(cache, rng)) for cache in trained.caches[3::4]]
    in_time = [through_time(layer, rng) for layer in (*layers, trained)]
    return [
        row(id_, [time[id_] for time in in_time] if id_ in in_time[0] else [p.measured(id_) for p in points])
        for id_ in lines()
    ]


class Point:
    """One step at one point, at which lines are read and compared."""

    def __init__(self, given: Mapping[str, Array]) -> None:
        self.at = Differentiation(given)

    def measured(self, id_: str) -> Measurement:
        """A line of the forward pass, or of one step's derivatives."""
        rows, together = sum_of(id_), {}
        if rows and id_ == rows[-1]:
            together[f"{rows[0]} to {id_} together"] = self._total_error(rows, corrected=False)
        return Measurement(
            self._readings(id_), self.corrected_error(id_), self.central_error(id_), together, every=not rows
        )

    def corrected_error(self, id_: str) -> float:
        """What the line should say against automatic differentiation; so is the sum that it ends."""
        line, rows = lines()[id_], sum_of(id_)
        own = self._error_of(line.corrected, line, self._reference(line))
        return max(own, self._total_error(rows, corrected=True)) if rows and id_ == rows[-1] else own

    def central_error(self, id_: str) -> float | None:
        """What the line should say against central differences; None where nothing is differentiated."""
        line = lines()[id_]
        of, by = latex.left_side(line.left)
        return self._error_of(line.corrected, line, self.at.central(of, by, line.through)) if by else None

    def _readings(self, id_: str) -> dict[str, LineReading]:
        """A row that is no term states equalities. A term is one of the sum that its row belongs to.

        Where that sum begins with a +, the + may be a misprinted =, or it may go on with the sum before; or each of
        its rows may be an equality.
        """
        line, rows = lines()[id_], sum_of(id_)
        first, *more = latex.sides(line.formula)
        if not rows:
            return {
                f"equality {n}": self._compare(side, line) for n, side in enumerate([first, *more], start=1)
            }
        further = lines()[rows[0]].formula.startswith("+")
        name = FURTHER_TERM if further else "a term of its sum"
        readings = {name: self._compare(first, line)}
        for label, formula in line.also.items():
            readings[f"{name}, {label}"] = self._compare(latex.sides(formula)[0], line)
        if further:
            readings[FURTHER_SUM] = LineReading(self._total_error(since_equality(id_), corrected=False))
            readings[FURTHER_EQUALITY] = LineReading(self._total_error([id_], corrected=False))
        return readings

    def _reference(self, line: PrintedLine, through: str | None = None) -> Array:
        """What a line is about, as far as its gates pass it on: a letter's value, or a Jacobian by PyTorch."""
        of, by = latex.left_side(line.left)
        if by is None:
            return self.at.values[of]
        return self.at.automatic(of, by, line.through if through is None else through)

    def _read(self, side: str) -> latex.Value:
        return latex.read(side, self.at.values, self.at.automatic)

    def _compare(self, side: str, line: PrintedLine) -> LineReading:
        (array, liberties), reference = self._read(side), self._reference(line)
        if array.ndim == 1 < reference.ndim:
            liberties |= {DIAGONAL}
        return LineReading(_error(array, reference, self._reference(line, "fico")), liberties)

    def _error_of(self, formula: str, line: PrintedLine, reference: Array) -> float:
        """The largest error of a formula's sides; a line that should go has none."""
        whole = self._reference(line, "fico")
        return max(
            (_error(self._read(side).array, reference, whole) for side in latex.sides(formula)),
            default=0.0,
        )

    def _total_error(self, rows: Sequence[str], *, corrected: bool) -> float:
        """The sum of some rows, as printed or as they should be, against the whole derivative."""
        texts = [lines()[row].corrected if corrected else lines()[row].formula for row in rows]
        terms = [self._read(side).array for text in texts for side in latex.sides(text)]
        return _error(np.sum(terms, axis=0), self._reference(lines()[rows[0]], "fico"))


def through_time(example: SampleLayer, rng: np.random.Generator) -> dict[str, Measurement]:
    """R70 and R71 over the last steps of an example; of a large layer, some rows and columns of ∂h_t/∂h_k."""
    units = _drawn(example.parameters.weight_hh.shape[1], UNITS, rng)
    errors = {distance: _errors_at(example.caches[-distance:], units) for distance in DISTANCES}
    corrected, central, falling, rising = np.max(list(errors.values()), axis=0).tolist()
    by_distance = {f"t - k = {distance}": LineReading(each[2]) for distance, each in errors.items()}
    by_order = {
        "factors in R70's order": LineReading(falling),
        "factors in the index's order": LineReading(rising),
    }
    return {
        "R70": Measurement(by_distance, corrected, central, {}, every=True),
        "R71": Measurement(by_order, corrected, central, {}, every=False),
    }


def _errors_at(caches: list[StepCache], units: Array) -> tuple[float, float, float, float]:
    """The joint product against automatic differentiation and central differences; the report's in both orders."""
    H = caches[0].h_prev.shape[1]
    given, h_k = [letters(cache) for cache in caches], caches[0].h_prev[0]
    rows = automatic_jacobian(lambda h: last_hidden(given, h, torch)[units], h_k)
    columns = central_differences(lambda h: last_hidden(given, _replaced(h_k, units, h), np), h_k[units])
    whole = joint_product(caches)[0, :H, :H]
    falling, rising = (hidden_product(factors)[0] for factors in (caches, caches[::-1]))
    return (
        _error(whole[units], rows),
        _error(whole[:, units], columns),
        _error(falling[units], rows),
        _error(rising[units], rows),
    )


def row(id_: str, points: Sequence[Measurement]) -> LineResult:
    """A line's measurements at all points, made one row."""
    line, decisive = lines()[id_], max if points[0].every else min
    readings = {name: max(point.readings[name].error for point in points) for name in points[0].readings}
    chosen = decisive(readings, key=readings.__getitem__)
    central = [point.central for point in points if point.central is not None]
    return LineResult(
        id=id_,
        place=line.place,
        formula=line.formula,
        verdict=_verdict(readings[chosen], points[0].readings[chosen].liberties | {chosen}),
        printed_error=readings[chosen],
        corrected_error=max(point.corrected for point in points),
        central_error=max(central, default=None),
        readings=readings
        | {name: max(point.together[name] for point in points) for name in points[0].together},
        fault=line.fault,
        correction=line.correction,
    )


def _verdict(error: float, liberties: frozenset[str]) -> str:
    if error > TOLERANCE:
        return WRONG
    qualifiers = [name for name in QUALIFIERS if name in liberties]
    read_as = f"right as {' and '.join(qualifiers)}" if qualifiers else "right"
    return f"{read_as}, {latex.NAME}" if latex.NAME in liberties else read_as


def _error(actual: Array, reference: Array, whole: Array | None = None) -> float:
    """The distance of two Jacobians, relative to the reference, or where that is zero to the whole derivative.

    What has fewer axes than a Jacobian stands for its diagonal: v for diag[v], v z^T for δ_{kl} v_k z_m.
    """
    if actual.ndim < reference.ndim:
        actual = np.einsum("kl,k...->kl...", np.eye(len(actual)), actual)
    scale = reference if whole is None or reference.any() else whole
    return float(np.linalg.norm(actual - reference) / np.linalg.norm(scale))


def _replaced(vector: Array, places: Array, values: Array) -> Array:
    changed = vector.copy()
    changed[places] = values
    return changed


def _part(cache: StepCache, rng: np.random.Generator) -> dict[str, Array]:
    """Some units and inputs of one step."""
    (_, H), (_, E) = cache.h_prev.shape, cache.x.shape
    return letters(cache, _drawn(H, UNITS, rng), _drawn(E, INPUTS, rng))


def _drawn(size: int, count: int, rng: np.random.Generator) -> Array:
    return rng.choice(size, min(size, count), replace=False)
