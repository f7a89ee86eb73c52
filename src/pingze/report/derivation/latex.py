r"""Read the report's LaTeX exactly as printed, and evaluate it with NumPy.

The grammar of the report's Part 1::

    sum      product + product, product - product
    product  factor * factor (matrix product) and factor \odot factor (elementwise), from left to right
    factor   atom, atom^2, atom^T
    atom     1, a letter, (sum), [sum, sum], diag[sum], tanh(sum), tanh^2(sum), \sigma(sum),
             \frac{\partial letter}{\partial letter}, \frac{\partial (sum)}{\partial letter}

A vector has one axis and counts as a column; its transpose is a matrix of one row. Shapes must fit as in linear
algebra. The report writes two kinds of product by other conventions; these are read too, and recorded as liberties.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from pingze.arrays import Array

ROW_SCALING = "a row scaling"
"""A vector times a matrix, where row k of the matrix is multiplied by entry k of the vector."""
OUTER_PRODUCT = "an outer product"
"""A vector times z^T, where the product is a matrix."""
NAME = "net_c read as net_c̃"
"""The report introduces net_c̃, but writes net_c from then on."""

LETTERS = {
    "h_t": "h",
    "c_t": "c",
    "c~_t": "c_tilde",
    "f_t": "f",
    "i_t": "i",
    "o_t": "o",
    "h_t-1": "h_prev",
    "c_t-1": "c_prev",
    "x_t": "x",
    "z": "z",
    "net_c~": "net_c",
    **{f"{kind}_{g}": f"{kind}_{g}" for kind in ("net", "W", "b") for g in "fico"},
    **{f"W_{g}{by}": f"W_{g}{by}" for g in "fico" for by in "hx"},
}
"""The name that `differentiation.step` gives to each letter of the report; the keys are as `plain` writes them."""

Partial = Callable[[str, str], Array]

FRACTION = r"\\frac\{\\partial ([^{}]*)\}\{\\partial ([^{}]*)\}"
_TOKEN = re.compile(
    rf"{FRACTION}|\\odot|\\sigma\(|tanh\^2\(|tanh\(|diag\[|\^2|\^T|[A-Za-z]+~?(?:_[a-z]+~?(?:-1)?)?|[-+*()\[\],1]"
)
_CLOSING = {"tanh(": ")", "tanh^2(": ")", r"\sigma(": ")", "(": ")", "diag[": "]", "[": "]"}
_SIGNS = {r"\odot": "⊙", r"\sigma": "σ", r"\prod": "∏", r"\dots": "…", "c~": "c̃", "^2": "²", "^T": "ᵀ"}
_TINY = 1e-30


class Value(NamedTuple):
    """The value of a formula, and the liberties taken to read it."""

    array: Array
    liberties: frozenset[str]


def plain(formula: str) -> str:
    r"""Remove bold type and the braces of an index: ``\mathbf{h}_{t-1}`` becomes ``h_t-1``, and c̃_t ``c~_t``."""
    formula = re.sub(r"\\widetilde\{\\mathbf\{c\}\}|\\mathbf\{\\tilde\{c\}\}|\\widetilde\{c\}", "c~", formula)
    formula = re.sub(r"\\mathbf\{(\w+)\}", r"\1", formula)
    return re.sub(r"([_^])\{([^{}]*)\}", r"\1\2", formula)


def readable(formula: str) -> str:
    """Convert a formula from LaTeX to plain text for a terminal."""
    text = re.sub(FRACTION, r"∂\1/∂\2", plain(formula))
    text = re.sub(r"([_^])(\w=[\w,\\+-]+|\w[-+]\d)", r"\1{\2}", text)
    for sign, character in _SIGNS.items():
        text = text.replace(sign, character)
    return text


def sides(formula: str) -> list[str]:
    """Split a line at its equals signs, and return its right sides in plain form; an empty line has none."""
    first, *right = re.split(r"(?:^| )= ", plain(formula))
    return [side.lstrip(" +") for side in right or [first] if side]


def left_side(left: str) -> tuple[str, str | None]:
    """Return (of, by) if the left side is a derivative ∂of/∂by, and (letter, None) if it is a letter."""
    found = re.fullmatch(FRACTION, plain(left))
    return (LETTERS[found[1]], LETTERS[found[2]]) if found else (LETTERS[plain(left)], None)


def read(formula: str, values: Mapping[str, Array], partial: Partial) -> Value:
    """Evaluate a formula without an equals sign, as `plain` returns it; the names of arrays are those of `LETTERS`.

    Raises ValueError if the formula is outside the grammar, or its shapes do not fit.
    """
    reader = _Reader(formula, values, partial)
    array = reader.sum()
    reader.check(not reader.tokens)
    return Value(np.asarray(array), frozenset(reader.liberties))


class _Reader:
    """A recursive-descent parser that evaluates a formula while reading it."""

    def __init__(self, formula: str, values: Mapping[str, Array], partial: Partial) -> None:
        self.formula, self.values, self.partial = formula, values, partial
        self.tokens = [found.group() for found in _TOKEN.finditer(formula)]
        self.check("".join(self.tokens).replace(" ", "") == formula.replace(" ", ""))
        self.liberties: set[str] = set()

    def check(self, fits: bool) -> None:
        if not fits:
            raise ValueError(f"{self.formula!r} is outside the grammar, or its shapes do not fit")

    def _take(self, *wanted: str) -> str:
        """Remove and return the next token if it is one of those wanted; else return ""."""
        return self.tokens.pop(0) if self.tokens and self.tokens[0] in wanted else ""

    def sum(self) -> Any:
        total = self._product()
        while sign := self._take("+", "-"):
            term = self._product()
            self.check(0 in (np.ndim(total), np.ndim(term)) or total.shape == term.shape)
            total = total + term if sign == "+" else total - term
        return total

    def _product(self) -> Any:
        result = self._factor()
        while sign := self._take("*", r"\odot"):
            result = self._multiply(result, sign, self._factor())
        return result

    def _factor(self) -> Any:
        atom = self._atom()
        if self._take("^2"):
            return atom**2
        if self._take("^T"):
            self.check(np.ndim(atom) in (1, 2))
            return atom.T if np.ndim(atom) == 2 else atom[None]
        return atom

    def _atom(self) -> Any:
        self.check(bool(self.tokens))
        token = self.tokens.pop(0)
        if token == "1":
            return 1.0
        if found := re.fullmatch(FRACTION, token):
            return self._derivative(found[1], found[2])
        if token not in _CLOSING:
            return self.values[self._name(token)]
        inner = self.sum()
        if token == "[":
            self.check(bool(self._take(",")))
            second = self.sum()
            self.check(np.ndim(inner) == np.ndim(second) == 1)
            inner = np.concatenate([inner, second])
        self.check(bool(self._take(_CLOSING[token])))
        if token == "diag[":
            self.check(np.ndim(inner) > 0 and {*inner.shape} == {len(inner)})
            return np.diag(inner) if inner.ndim == 1 else inner * np.eye(*inner.shape)
        if token == r"\sigma(":
            return 1 / (1 + np.exp(-inner))
        if token.startswith("tanh"):
            return np.tanh(inner) ** 2 if "^2" in token else np.tanh(inner)
        return inner

    def _name(self, letter: str) -> str:
        self.check(letter in LETTERS)
        if letter == "net_c":
            self.liberties.add(NAME)
        return LETTERS[letter]

    def _derivative(self, of: str, by: str) -> Any:
        """Return ∂of/∂by. If `of` is an expression, use complex steps: Im f(x + iδ) / δ, exact to the last digits."""
        by = self._name(by)
        if not of.startswith("("):
            return self.partial(self._name(of), by)
        self.check(self.values[by].ndim == 1)
        columns = []
        for move in 1j * _TINY * np.eye(len(self.values[by])):
            moved = read(of, {**self.values, by: self.values[by] + move}, self.partial)
            self.liberties |= moved.liberties
            columns.append(moved.array.imag)
        return np.stack(columns, axis=-1) / _TINY

    def _multiply(self, left: Any, sign: str, right: Any) -> Any:
        if 0 in (np.ndim(left), np.ndim(right)) or (sign == r"\odot" and left.shape == right.shape):
            return left * right
        if left.ndim == 1 < right.ndim:  # the products that the report writes by its own conventions
            if sign == "*" and right.shape[0] == 1:
                self.liberties.add(OUTER_PRODUCT)
                return left[:, None] * right
            self.check(len(left) == len(right))
            self.liberties.add(ROW_SCALING)
            return np.einsum("k,k...->k...", left, right)
        self.check(sign == "*" and left.ndim == 2 and left.shape[1] == len(right))
        return np.tensordot(left, right, axes=1)
