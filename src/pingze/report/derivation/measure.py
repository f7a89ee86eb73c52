"""Measure each of the report's lines: how far it is from the true derivative.

Each line is read as it is printed (`latex`), at random weights and at those of the trained model, and compared with
automatic differentiation (`differentiation`). So is what it should say, and that with central differences too.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pingze.arrays import Array
from pingze.lstm.formulas import StepCache
from pingze.report.derivation import latex
from pingze.report.derivation.differentiation import Differentiation, relative_error
from pingze.report.derivation.printed_lines import (
    CONVENTION,
    NOTHING,
    RENAMING,
    SIGN,
    WRONG,
    LineResult,
    PrintedLine,
    lines,
    since_equality,
    sum_of,
)
from pingze.report.derivation.sample_layers import SampleLayer, letters, random_layer, trained_layer
from pingze.report.derivation.time_span import PRODUCTS, TimeSpan

TOLERANCE = 1e-9
"""Up to here a line is right."""
SHAPES = ((3, 4), (5, 2), (4, 6))
"""E and H of the random layers."""
DISTANCES = (1, 2, 4, 8)
"""The t - k at which the products through time are measured."""
UNITS, INPUTS = 6, 4
"""How many of the trained layer's units and inputs are differentiated, drawn anew for each step."""

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
    random = [Point(letters(layer.caches[0])) for layer in layers]
    whole = random + [Point(letters(cache)) for cache in trained.caches[3::4]]
    parts = random + [Point(_part(cache, rng)) for cache in trained.caches[3::4]]
    in_time = [measure_through_time(layer, rng) for layer in (*layers, trained)]

    def measured(id_: str) -> list[Measurement]:
        if id_ in PRODUCTS:
            return [time[id_] for time in in_time]
        differentiated = latex.left_side(lines()[id_].left)[1]
        return [point.measured(id_) for point in (parts if differentiated else whole)]

    return [row(id_, measured(id_)) for id_ in lines()]


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
        if not rows:
            sides = latex.sides(line.formula)
            return {f"equality {n}": self._compare(side, line) for n, side in enumerate(sides, start=1)}
        further = lines()[rows[0]].formula.startswith("+")
        name = FURTHER_TERM if further else "a term of its sum"
        readings = {
            f"{name}, {way}" if way else name: self._compare(latex.sides(formula)[0], line)
            for way, formula in line.ways.items()
        }
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
        return LineReading(relative_error(array, reference, self._reference(line, "fico")), liberties)

    def _error_of(self, formula: str, line: PrintedLine, reference: Array) -> float:
        """The largest error of a formula's sides; a line that should go has none."""
        whole = self._reference(line, "fico")
        return max(
            (relative_error(self._read(side).array, reference, whole) for side in latex.sides(formula)),
            default=0.0,
        )

    def _total_error(self, rows: Sequence[str], *, corrected: bool) -> float:
        """The sum of some rows, as printed or as they should be, against the whole derivative.

        A row that cannot be read as it stands is read in the first of its ways.
        """
        texts = [
            line.corrected if corrected else next(iter(line.ways.values()))
            for line in map(lines().get, rows)
            if line
        ]
        terms = [self._read(side).array for text in texts for side in latex.sides(text)]
        return relative_error(np.sum(terms, axis=0), self._reference(lines()[rows[0]], "fico"))


def measure_through_time(example: SampleLayer, rng: np.random.Generator) -> dict[str, Measurement]:
    """R70 and R71 over the last steps of an example; of a large layer, some rows and columns of the Jacobian."""
    units = _drawn(example.parameters.weight_hh.shape[1], UNITS, rng)
    spans = {distance: TimeSpan(example.caches[-distance:], units) for distance in DISTANCES}
    first, second = (latex.sides(lines()[id_].formula)[0] for id_ in PRODUCTS)
    by_distance = {f"t - k = {distance}": LineReading(span.error(first)) for distance, span in spans.items()}
    by_order = {
        f"factors in {order}": LineReading(
            max(span.error(second, backwards=backwards) for span in spans.values())
        )
        for order, backwards in (("R70's order", True), ("the index's order", False))
    }
    return {
        id_: Measurement(
            readings,
            max(span.corrected_error(id_) for span in spans.values()),
            max(span.corrected_error(id_, central=True) for span in spans.values()),
            {},
            every=id_ == PRODUCTS[0],
        )
        for id_, readings in zip(PRODUCTS, (by_distance, by_order), strict=True)
    }


def row(id_: str, points: Sequence[Measurement]) -> LineResult:
    """A line's measurements at all points, made one row."""
    line, decisive = lines()[id_], max if points[0].every else min
    readings = {name: max(point.readings[name].error for point in points) for name in points[0].readings}
    chosen = decisive(readings, key=readings.__getitem__)
    central = [point.central for point in points if point.central is not None]
    liberties = points[0].readings[chosen].liberties | {chosen}
    return LineResult(
        id=id_,
        place=line.place,
        formula=line.formula,
        verdict=_verdict(readings[chosen], liberties),
        granted=_granted(readings[chosen], liberties),
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


def _granted(error: float, liberties: frozenset[str]) -> str:
    """The largest thing that a line needs to be right: a sign before a convention, that before a name."""
    if error > TOLERANCE:
        return ""
    if FURTHER_TERM in liberties:
        return SIGN
    if liberties & {*QUALIFIERS}:
        return CONVENTION
    return RENAMING if latex.NAME in liberties else NOTHING


def _part(cache: StepCache, rng: np.random.Generator) -> dict[str, Array]:
    """Some units and inputs of one step."""
    (_, H), (_, E) = cache.h_prev.shape, cache.x.shape
    return letters(cache, _drawn(H, UNITS, rng), _drawn(E, INPUTS, rng))


def _drawn(size: int, count: int, rng: np.random.Generator) -> Array:
    return rng.choice(size, min(size, count), replace=False)
