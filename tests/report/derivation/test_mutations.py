"""A right line of the report becomes wrong under almost any change, and no change makes its measurement fail.

An oracle that shares neither reader nor differentiation with `derive` says which changed lines remain true: it turns
the LaTeX into Python expressions of matrices, with columns for vectors and (H, H Z) matrices for Jacobians by weights,
and differentiates by central differences.
"""

import dataclasses
import re
from collections.abc import Iterator
from itertools import permutations

import numpy as np
import pytest

from pingze.report.derivation import latex
from pingze.report.derivation.differentiation import letters, random_layer
from pingze.report.derivation.measure import PRODUCTS, Measurement, Point, result
from pingze.report.derivation.printed_lines import WRONG, PrintedLine, lines

GATES = {"f": r"\mathbf{f}", "i": r"\mathbf{i}", "o": r"\mathbf{o}", "c": r"\widetilde{\mathbf{c}}"}
SWAPS = (
    # Signs, products, indices, transposes.
    *((" + ", " - "), (" - ", " + "), (r" \odot ", " * "), (r" \odot ", " + "), (" * ", r" \odot ")),
    *((" * ", " + "), (" + ", r" \odot "), ("_{t-1}", "_{t}"), ("_{t}", "_{t-1}"), ("_t", "_{t-1}")),
    *((r"\mathbf{z}^{T}", r"\mathbf{z}"), ("}}}", "}}}^{T}")),
    *((f"W_{{{g}{by}}}", f"W_{{{g}{by}}}^{{T}}") for g in GATES for by in "hx"),
    # Halves of a weight, powers, factors, functions.
    *((f"W_{{{g}{a}}}", f"W_{{{g}{b}}}") for g in GATES for a, b in ("hx", "xh")),
    *(("^{2}", ""), ("^2", ""), ("tanh(", r"\sigma("), (r"\sigma(", "tanh(")),
    *((name + r"_{t} \odot ", "") for name in GATES.values()),
    # Gates, by the signs around their letter.
    *(
        (left + a + right, left + b + right)
        for left, right in ((r"\mathbf{net}_{", "}"), ("W_{", "}"), ("b_", ")"), (r"\mathbf{b}_{", "}"), ("W_", " "))
        for a, b in permutations(GATES, 2)
    ),
    *((f"{a}_{{t}}", f"{b}_{{t}}") for a, b in permutations(GATES.values(), 2)),
)
"""What is changed for what."""


def mutations(line: PrintedLine) -> Iterator[PrintedLine]:
    """The line with one change on its right side, at each place where a swap applies."""
    start = max(line.formula.find("= "), 0) + 2
    for old, new in SWAPS:
        for found in re.finditer(re.escape(old), line.formula[start:]):
            at = start + found.start()
            changed = line.formula[:at] + new + line.formula[at + len(old) :]
            if latex.plain(changed) != latex.plain(line.formula):
                yield dataclasses.replace(line, formula=changed)


class Matrix:
    """A matrix whose `@` and `*` are the report's * and ⊙; shapes that misfit raise ValueError."""

    def __init__(self, value: np.ndarray) -> None:
        self.value = value

    T = property(lambda self: Matrix(self.value.T))

    def _same(self, other: object) -> np.ndarray:
        value = other.value if isinstance(other, Matrix) else np.full_like(self.value, other)
        if value.shape != self.value.shape:
            raise ValueError("terms of different shapes")
        return value

    def __add__(self, other: object) -> "Matrix":
        return Matrix(self.value + self._same(other))

    def __sub__(self, other: object) -> "Matrix":
        return Matrix(self.value - self._same(other))

    def __rsub__(self, other: object) -> "Matrix":
        return Matrix(self._same(other) - self.value)

    __radd__ = __add__

    def __pow__(self, power: int) -> "Matrix":
        return Matrix(self.value**power)

    def _scaling(self, other: object) -> bool:
        """Whether the report's convention applies: a column that scales the rows of a matrix."""
        return isinstance(other, Matrix) and (self.value.shape == (len(other.value), 1) and other.value.shape[1] > 1)

    def __mul__(self, other: object) -> "Matrix":
        value = other.value if isinstance(other, Matrix) and self._scaling(other) else self._same(other)
        return Matrix(self.value * value)

    def __matmul__(self, other: object) -> "Matrix":
        if not isinstance(other, Matrix):
            return Matrix(self.value * other)
        return self * other if self._scaling(other) else Matrix(self.value @ other.value)

    def __rmatmul__(self, other: object) -> "Matrix":
        return Matrix(self.value * other)

    __rmul__ = __rmatmul__


FUNCTIONS = {
    "tanh": lambda x: Matrix(np.tanh(x.value)),
    "tanh2": lambda x: Matrix(np.tanh(x.value) ** 2),
    "sigma": lambda x: Matrix(1 / (1 + np.exp(-x.value))),
    "diag": lambda x: Matrix(np.diag(x.value[:, 0])),
    "cat": lambda a, b: Matrix(np.concatenate([a.value, b.value])),
}


WRITTEN = {"*": "@", r"\odot": "*", "tanh^2": "tanh2", r"\sigma": "sigma", "diag[": "diag(", "[": "cat(", "]": ")"}
WRITTEN |= {"^2": "**2", "^T": ".T"}
"""Signs of the report in Python, replaced in this order."""


class Oracle:
    """Says whether a formula equals a line's true left side, at one point."""

    def __init__(self, point: Point) -> None:
        self.at = point.at
        self.known: dict[tuple[str, str | None, str], np.ndarray] = {}

    def agrees(self, line: PrintedLine) -> bool:
        reference = self._flat(self._central(*latex.left_side(line.left), line.through))
        return all(self._equal(side, reference) for side in latex.sides(line.formula))

    def _equal(self, side: str, reference: np.ndarray) -> bool:
        try:
            value = self.evaluate(side, self.at.values).value
        except (ValueError, KeyError, SyntaxError, AttributeError, TypeError):
            return False
        H = len(reference)
        if value.shape != reference.shape and len(value) == H:  # diag[v] for v, and δ_{kl} v_k z_m for v z^T
            value = self._flat(np.einsum("kl,km->klm", np.eye(H), value))
        return value.shape == reference.shape and np.allclose(value, reference, atol=1e-7)

    def evaluate(self, side: str, values: dict[str, np.ndarray]) -> Matrix:
        fractions = re.findall(latex.FRACTION, side)
        source = re.sub(latex.FRACTION, "D()", side)
        for old, new in WRITTEN.items():
            source = source.replace(old, new)
        names = sorted(latex.LETTERS, key=len, reverse=True)
        pattern = "|".join(rf"(?<!\w){re.escape(name)}(?![\w~])" for name in names)
        source = re.sub(pattern, lambda found: f"L[{latex.LETTERS[found[0]]!r}]", source)
        table = {name: Matrix(self._flat(value)) for name, value in values.items()}

        def derivative() -> Matrix:
            of, by = fractions.pop(0)
            by = latex.LETTERS[by]
            if not of.startswith("("):
                return Matrix(self._flat(self._central(latex.LETTERS[of], by)))
            columns = []
            for move in 1e-6 * np.eye(len(values[by])):
                up, down = (self.evaluate(of, {**values, by: values[by] + way * move}) for way in (1, -1))
                columns.append((up.value - down.value)[:, 0] / 2e-6)
            return Matrix(np.stack(columns, axis=1))

        found: Matrix = eval(source, {"L": table, "D": derivative, **FUNCTIONS})
        return found

    def _central(self, of: str, by: str | None, through: str = "fico") -> np.ndarray:
        key = (of, by, through)
        if key not in self.known:
            self.known[key] = self.at.central(of, by, through) if by else self.at.values[of]
        return self.known[key]

    @staticmethod
    def _flat(value: np.ndarray) -> np.ndarray:
        return value.reshape(len(value), -1)


@pytest.fixture(scope="module")
def point() -> Point:
    return Point(letters(random_layer(3, 4, 1, np.random.default_rng(0)).caches[0]))


@pytest.fixture(scope="module")
def oracle(point: Point) -> Oracle:
    return Oracle(point)


def verdict(point: Point, id_: str, line: PrintedLine) -> str:
    point.lines = {**lines(), id_: line}
    measurement = Measurement(point.readings(id_), 0.0, None, {}, every=line.sum is None)
    return result(id_, line, [measurement]).verdict


RIGHT = [id_ for id_, line in lines().items() if not line.fault and id_ not in PRODUCTS]


def test_there_are_over_a_thousand_mutations_and_few_are_true(oracle: Oracle) -> None:
    found = [line for id_ in RIGHT for line in mutations(lines()[id_])]
    assert len(found) > 1000
    assert sum(map(oracle.agrees, found)) < 30


@pytest.mark.parametrize("id_", RIGHT)
def test_a_mutated_line_is_wrong_unless_the_oracle_finds_it_true(id_: str, point: Point, oracle: Oracle) -> None:
    assert oracle.agrees(lines()[id_])
    assert verdict(point, id_, lines()[id_]) != WRONG
    for line in mutations(lines()[id_]):
        assert (verdict(point, id_, line) != WRONG) == oracle.agrees(line), line.formula
