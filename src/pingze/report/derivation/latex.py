r"""Read the report's LaTeX as it stands, and evaluate it with NumPy.

So what is measured is the very line that is shown. The grammar is that of the report's Part 1::

    sum      product + product, product - product
    product  factor * factor (matrix product) and factor \odot factor (elementwise), from left to right
    factor   atom, atom^2, atom^T
    atom     1, a letter, (sum), [sum, sum], diag[sum], tanh(sum), tanh^2(sum), \sigma(sum),
             \frac{\partial letter}{\partial letter}, \frac{\partial (sum)}{\partial letter}

Every bracket closes with its own kind. Where the report writes a product that linear algebra does not have, the
reading that it must mean is taken, and named among the liberties. Its two products through time are read by
`through_time`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from pingze.arrays import Array

ROW_SCALING = "a row scaling"
"""A vector times a matrix: row k of the matrix times entry k of the vector."""
OUTER_PRODUCT = "an outer product"
"""A vector times z^T."""
NAME = "net_c read as net_c̃"
"""The report introduces net_c̃ and goes on with net_c."""

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
"""The report's letters, plain, and their names in `differentiation.step`."""

Partial = Callable[[str, str], Array]

FRACTION = r"\\frac\{\\partial ([^{}]*)\}\{\\partial ([^{}]*)\}"
_TOKEN = re.compile(
    rf"{FRACTION}|\\odot|\\sigma\(|tanh\^2\(|tanh\(|diag\[|\^2|\^T|[A-Za-z]+~?(?:_[a-z]+~?(?:-1)?)?|[-+*()\[\],1]"
)
_CLOSING = {"tanh(": ")", "tanh^2(": ")", r"\sigma(": ")", "(": ")", "diag[": "]", "[": "]"}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "tanh(": np.tanh,
    "tanh^2(": lambda x: np.tanh(x) ** 2,
    r"\sigma(": lambda x: 1 / (1 + np.exp(-x)),
    "diag[": lambda x: np.diag(x) if x.ndim == 1 else x * np.eye(*x.shape),
    "(": lambda x: x,
}
_SIGNS = {r"\odot": "⊙", r"\sigma": "σ", r"\prod": "∏", r"\dots": "…", "c~": "c̃", "^2": "²", "^T": "ᵀ"}
_TINY = 1e-30


class Value(NamedTuple):
    """What a formula comes to, and the liberties taken in reading it."""

    array: Array
    liberties: frozenset[str]


def plain(formula: str) -> str:
    r"""The formula without bold type and braces of one index: ``\mathbf{h}_{t-1}`` is ``h_t-1``, c̃_t is ``c~_t``."""
    formula = re.sub(r"\\widetilde\{\\mathbf\{c\}\}|\\mathbf\{\\tilde\{c\}\}|\\widetilde\{c\}", "c~", formula)
    formula = re.sub(r"\\mathbf\{(\w+)\}", r"\1", formula)
    return re.sub(r"([_^])\{([^{}]*)\}", r"\1\2", formula)


def readable(formula: str) -> str:
    """The formula without LaTeX, for a terminal."""
    text = re.sub(FRACTION, r"∂\1/∂\2", plain(formula))
    text = re.sub(r"([_^])(\w=[\w,\\+-]+|\w[-+]\d)", r"\1{\2}", text)
    for sign, character in _SIGNS.items():
        text = text.replace(sign, character)
    return text


def sides(formula: str) -> list[str]:
    """What a line says something is equal to, plain, one side for each equals sign; none of an empty line."""
    first, *right = re.split(r"(?:^| )= ", plain(formula))
    return [side.lstrip(" +") for side in right or [first] if side]


def left_side(left: str) -> tuple[str, str | None]:
    """The names of a left side: (of, by) in ∂of/∂by, and (letter, None) of a letter."""
    found = re.fullmatch(FRACTION, plain(left))
    return (LETTERS[found[1]], LETTERS[found[2]]) if found else (LETTERS[plain(left)], None)


def read(formula: str, values: Mapping[str, Array], partial: Partial) -> Value:
    """What a plain formula comes to, which holds no equals sign; `partial(of, by)` gives the Jacobians it names.

    Raises ValueError where the formula is not of the grammar above.
    """
    reader = _Reader(formula, values, partial)
    array = reader.sum()
    if reader.tokens:
        raise ValueError(f"{formula!r} cannot be read at {reader.tokens[0]!r}")
    return Value(array, frozenset(reader.liberties))


class _Transposed(NamedTuple):
    vector: Array


class _Reader:
    """Reads by recursive descent, and computes as it reads."""

    def __init__(self, formula: str, values: Mapping[str, Array], partial: Partial) -> None:
        self.formula, self.tokens = formula, _tokens(formula)
        self.values, self.partial = values, partial
        self.liberties: set[str] = set()

    def sum(self) -> Any:
        total = self._product()
        while self.tokens and self.tokens[0] in "+-":
            total = total + self._product() if self.tokens.pop(0) == "+" else total - self._product()
        return total

    def _product(self) -> Any:
        result = self._factor()
        while self.tokens and self.tokens[0] in ("*", r"\odot"):
            multiply = self._matrix_product if self.tokens.pop(0) == "*" else self._elementwise
            result = multiply(result, self._factor())
        return result

    def _factor(self) -> Any:
        atom = self._atom()
        if self.tokens and self.tokens[0] == "^2":
            self.tokens.pop(0)
            return atom**2
        if self.tokens and self.tokens[0] == "^T":
            self.tokens.pop(0)
            return _Transposed(atom)
        return atom

    def _atom(self) -> Any:
        if not self.tokens:
            raise ValueError(f"{self.formula!r} ends where a factor belongs")
        token = self.tokens.pop(0)
        if token == "1":
            return 1.0
        if token == "[":
            first = self.sum()
            self._expect(",")
            return np.concatenate([first, self._inside(token)])
        if token in _FUNCTIONS:
            return _FUNCTIONS[token](self._inside(token))
        if found := re.fullmatch(FRACTION, token):
            return self._derivative(found[1], found[2])
        return self.values[self._name(token)]

    def _inside(self, opening: str) -> Any:
        """What stands up to the bracket that closes an opening one."""
        inner = self.sum()
        self._expect(_CLOSING[opening])
        return inner

    def _expect(self, token: str) -> None:
        found = self.tokens.pop(0) if self.tokens else "its end"
        if found != token:
            raise ValueError(f"{self.formula!r} has {found} where {token} belongs")

    def _name(self, letter: str) -> str:
        if letter not in LETTERS:
            raise ValueError(f"{letter!r} is no letter of the report")
        if letter == "net_c":
            self.liberties.add(NAME)
        return LETTERS[letter]

    def _derivative(self, of: str, by: str) -> Any:
        """∂of/∂by; of an expression by complex steps: Im f(x + iδ) / δ, exact to the last digits."""
        by = self._name(by)
        if not of.startswith("("):
            return self.partial(self._name(of), by)
        start = self.values[by]
        moves = 1j * _TINY * np.eye(len(start))
        columns = [read(of, {**self.values, by: start + move}, self.partial).array.imag for move in moves]
        return np.stack(columns, axis=-1) / _TINY

    def _matrix_product(self, left: Any, right: Any) -> Any:
        if isinstance(right, _Transposed):
            self.liberties.add(OUTER_PRODUCT)
            return np.outer(left, right.vector)
        if left.ndim == 1:
            return self._scale_rows(left, right)
        return np.tensordot(left, right, axes=1)

    def _elementwise(self, left: Any, right: Any) -> Any:
        return left * right if left.ndim == right.ndim else self._scale_rows(left, right)

    def _scale_rows(self, vector: Any, matrix: Any) -> Any:
        self.liberties.add(ROW_SCALING)
        return np.einsum("k,k...->k...", vector, matrix)


def _tokens(formula: str) -> list[str]:
    tokens = [found.group() for found in _TOKEN.finditer(formula)]
    if "".join(tokens).replace(" ", "") != formula.replace(" ", ""):
        raise ValueError(f"{formula!r} holds signs that the report does not use")
    return tokens
