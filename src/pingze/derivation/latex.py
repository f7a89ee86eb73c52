r"""Read the report's LaTeX exactly as printed, and evaluate it with NumPy.

The formulas of the report's Part 1 have this grammar::

    sum      product + product, product - product
    product  factor * factor (matrix product), factor \odot factor (elementwise), left to right
    factor   atom, atom^2, atom^T
    atom     1, a letter, (sum), [sum, sum], diag[sum], tanh(sum), tanh^2(sum), \sigma(sum),
             \frac{\partial letter}{\partial letter}, \frac{\partial (sum)}{\partial letter}

The grammar is Python's except for the LaTeX signs. Once these are replaced, Python parses the
formulas. A vector has one axis and counts as a column; its transpose is a matrix of one row. Shapes
must fit as in linear algebra. The report's own conventions, `ROW_SCALING` and `OUTER_PRODUCT`, are
also accepted, and recorded as liberties.
"""

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pingze.arrays import Array

# The liberties of the report's notation.
ROW_SCALING = "a row scaling"
"""A vector times a matrix means that entry k of the vector multiplies row k."""
OUTER_PRODUCT = "an outer product"
"""A vector * a row, such as the row z^T of z = [h_{t-1}, x_t], is an outer product."""
NAME = "net_c read as net_c̃"
"""The report introduces net_c̃, but writes net_c from then on."""


def _letters() -> dict[str, str]:
    """Map each letter of the report to its name in `differentiation.step`.

    The letters are written as `plain` writes them.
    """
    names = {"c~_t": "c_tilde", "h_t-1": "h_prev", "c_t-1": "c_prev", "z": "z", "net_c~": "net_c"}
    for letter in "hcfiox":
        names[f"{letter}_t"] = letter
    for g in "fico":
        same_in_both = (f"net_{g}", f"W_{g}", f"b_{g}", f"W_{g}h", f"W_{g}x")
        names |= {name: name for name in same_in_both}
    return names


LETTERS = _letters()
"""The name in `differentiation.step` of each letter of the report."""

Partial = Callable[[str, str], Array]
"""A function that returns the derivative ∂of/∂by for the names of two letters, `of` and `by`."""

FRACTION = r"\\frac\{\\partial ([^{}]*)\}\{\\partial ([^{}]*)\}"
_LETTER = re.compile(r"[A-Za-z]+~?_[a-z]+~?(?:-1)?")
_PYTHON = {r"\odot": "@", r"\sigma": "sigma", "tanh^2": "square_of_tanh", "^2": "**2", "^T": ".T"}
"""The Python sign that replaces each LaTeX sign, in the order of replacement.

⊙ becomes `@` because Python evaluates `@` and `*` from left to right alike, as the report's grammar
asks. `tanh^2` precedes `^2`, which is a part of it.
"""
_SIGNS = {
    r"\odot": "⊙",
    r"\sigma": "σ",
    r"\prod": "∏",
    r"\dots": "…",
    "c~": "c̃",
    "^2": "²",
    "^T": "ᵀ",
}
_TINY = 1e-30
"""The step δ of complex-step differentiation, so small that terms in δ² vanish in rounding."""


def plain(formula: str) -> str:
    r"""Remove bold type and braces around indices.

    ``\mathbf{h}_{t-1}`` becomes ``h_t-1``, and c̃_t becomes ``c~_t``.
    """
    c_tilde = r"\\widetilde\{\\mathbf\{c\}\}|\\mathbf\{\\tilde\{c\}\}|\\widetilde\{c\}"
    formula = re.sub(c_tilde, "c~", formula)
    formula = re.sub(r"\\mathbf\{(\w+)\}", r"\1", formula)
    return re.sub(r"([_^])\{([^{}]*)\}", r"\1\2", formula)


def readable(formula: str) -> str:
    """Convert a formula from LaTeX to plain text for a terminal."""
    text = re.sub(FRACTION, r"∂\1/∂\2", plain(formula))
    # Put back the braces around indices of several signs, such as t-1 and i=k+1.
    text = re.sub(r"([_^])(\w=[\w,\\+-]+|\w[-+]\d)", r"\1{\2}", text)
    for sign, character in _SIGNS.items():
        text = text.replace(sign, character)
    return text


def sides(formula: str) -> list[str]:
    """Return a line's right-hand sides as `plain` writes them. An empty line has none."""
    parts = re.split(r"(?:^| )= ", plain(formula))
    # Before the first = is the left-hand side. A line without = is a term of a sum, and begins
    # with +.
    if len(parts) > 1:
        parts = parts[1:]
    return [part.lstrip(" +") for part in parts if part]


def left_side(left: str) -> tuple[str, str | None]:
    """Parse a left-hand side.

    Return (of, by) for a derivative ∂of/∂by, and (letter, None) for a letter.
    """
    fraction = re.fullmatch(FRACTION, plain(left))
    if fraction is None:
        return LETTERS[plain(left)], None
    return LETTERS[fraction[1]], LETTERS[fraction[2]]


def read(
    formula: str, values: Mapping[str, Array], partial: Partial
) -> tuple[Array, frozenset[str]]:
    """Evaluate one side of an equation; return its value and its liberties.

    `formula` is in the form that `plain` returns. `values` holds the value of each letter under its
    name from `LETTERS`, and `partial` returns the value of a derivative of a letter. Raises
    ValueError if the formula is outside the grammar or its shapes do not fit.
    """
    reader = _Reader(values, partial)
    try:
        # 1) Replace the letters and signs, so that the formula is an expression of Python.
        source = _LETTER.sub(lambda letter: LETTERS[letter[0]], formula)
        source = re.sub(FRACTION, r"partial(\1, \2)", source)
        for sign, python in _PYTHON.items():
            source = source.replace(sign, python)
        # 2) Parse and evaluate it.
        array = reader.value(ast.parse(source, mode="eval").body)
    except (SyntaxError, KeyError) as error:
        raise ValueError(f"{formula!r} is outside the grammar") from error
    # `LETTERS` gives net_c and net_c~ the same name, so net_c is looked for in the formula itself.
    if re.search("net_c(?!~)", formula):
        reader.liberties.add(NAME)
    return np.asarray(array), frozenset(reader.liberties)


class _Reader:
    """An evaluator of parsed formulas that collects their liberties."""

    def __init__(self, values: Mapping[str, Array], partial: Partial) -> None:
        self.values = values
        self.partial = partial
        self.liberties: set[str] = set()

    def value(self, node: ast.expr) -> Any:
        """Evaluate an expression, with one case for each row of the grammar."""
        match node:
            case ast.Constant(1):
                return 1.0
            case ast.Name(letter):
                return self.values[letter]
            case ast.BinOp(left, ast.Add() | ast.Sub() as sign, right):
                total = self.value(left)
                term = self.value(right)
                # NumPy would broadcast other shapes that differ, but linear algebra adds a number
                # to an array at most.
                has_number = np.ndim(total) == 0 or np.ndim(term) == 0
                _require_fit(has_number or total.shape == term.shape)
                return total + term if isinstance(sign, ast.Add) else total - term
            case ast.BinOp(left, ast.Mult() | ast.MatMult() as sign, right):
                elementwise = isinstance(sign, ast.MatMult)
                return self._product(self.value(left), self.value(right), elementwise=elementwise)
            case ast.BinOp(base, ast.Pow(), ast.Constant(2)):
                return self.value(base) ** 2
            case ast.Attribute(base, "T"):
                array = np.asarray(self.value(base))
                _require_fit(array.ndim in (1, 2))
                if array.ndim == 1:
                    return array[None]  # the transpose of a column is a matrix of one row
                return array.T
            case ast.List([first, second]):
                upper = self.value(first)
                lower = self.value(second)
                _require_fit(np.ndim(upper) == 1 and np.ndim(lower) == 1)
                return np.concatenate([upper, lower])
            case ast.Subscript(ast.Name("diag"), inner):
                array = np.asarray(self.value(inner))
                if array.ndim == 1:
                    return np.diag(array)
                # diag of a square matrix keeps the matrix's diagonal, and sets the rest to 0.
                is_square = array.ndim == 2 and array.shape[0] == array.shape[1]
                _require_fit(is_square)
                return array * np.eye(len(array))
            case ast.Call(ast.Name("tanh"), [inner]):
                return np.tanh(self.value(inner))
            case ast.Call(ast.Name("square_of_tanh"), [inner]):
                return np.tanh(self.value(inner)) ** 2
            case ast.Call(ast.Name("sigma"), [inner]):
                return 1 / (1 + np.exp(-self.value(inner)))
            case ast.Call(ast.Name("partial"), [ast.Name(of), ast.Name(by)]):
                return self.partial(of, by)
            case ast.Call(ast.Name("partial"), [sum_, ast.Name(by)]):
                return self._derivative_of_sum(sum_, by)
        raise ValueError("a sign that the report does not use")

    def _derivative_of_sum(self, sum_: ast.expr, by: str) -> Any:
        """Differentiate an expression in parentheses with respect to the letter `by`.

        The complex-step method computes Im f(x + iδ) / δ, which is exact up to rounding.
        """
        vector = self.values[by]
        _require_fit(vector.ndim == 1)
        imaginary_steps = 1j * _TINY * np.eye(len(vector))  # row k steps along entry k alone
        columns = []
        for imaginary_step in imaginary_steps:
            reader = _Reader({**self.values, by: vector + imaginary_step}, self.partial)
            columns.append(reader.value(sum_).imag)
            # A liberty that the sum needs is also one that its derivative needs.
            self.liberties |= reader.liberties
        return np.stack(columns, axis=-1) / _TINY

    def _product(self, left: Any, right: Any, *, elementwise: bool) -> Any:
        """Multiply two values with the sign * or, if `elementwise`, with the sign ⊙."""
        # 1) A number times an array, and the elementwise product.
        has_number = np.ndim(left) == 0 or np.ndim(right) == 0
        if has_number or (elementwise and left.shape == right.shape):
            return left * right
        # 2) The products that the report writes by its own conventions.
        if left.ndim == 1 and right.ndim > 1:  # a vector times a matrix
            is_row = right.shape[0] == 1
            if is_row and not elementwise:
                self.liberties.add(OUTER_PRODUCT)
                return left[:, None] * right
            _require_fit(len(left) == len(right))
            self.liberties.add(ROW_SCALING)
            return np.einsum("k,k...->k...", left, right)
        # 3) The matrix product. The right factor may be a Jacobian by a matrix, with three axes.
        _require_fit(not elementwise and left.ndim == 2 and left.shape[1] == len(right))
        return np.tensordot(left, right, axes=1)


def _require_fit(fits: bool) -> None:
    """Raise ValueError if the shapes of an expression do not fit."""
    if not fits:
        raise ValueError("shapes that do not fit")
