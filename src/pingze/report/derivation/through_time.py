r"""Read the report's two products through time, R70 and R71, as `latex` reads its other lines.

The grammar is that of these two lines and of what they should say::

    line     factor * factor … \dots, which goes on to k as it has begun
             \prod_{i=k}^{t-1} factor, the factors in the order of i
             \prod_{i=t-1,t-2,\dots,k} factor, the same
    factor   \frac{\partial state}{\partial state}
    state    h_T or (h_T, c_T), where T is t, k or i, with a number added or taken away

A factor is what it says: all of ∂h_T/∂h_S where the cell of S is held fixed, or of the joint state.
"""

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from pingze.arrays import Array
from pingze.lstm.formulas import StepCache
from pingze.lstm.jacobians import joint_product
from pingze.report.derivation.latex import FRACTION, plain

_INDEX = r"[tki](?:[-+]\d)?"
_STATE = re.compile(rf"h_({_INDEX})|\(h_({_INDEX}), c_({_INDEX})\)")
_FACTOR = FRACTION.replace("(", "(?:")
_LISTED = re.compile(rf"{_FACTOR}(?: \* {_FACTOR})+ \\dots")
_RANGED = re.compile(rf"\\prod_i=({_INDEX})(?:\^({_INDEX})|,({_INDEX}),\\dots,({_INDEX})) ({_FACTOR})")


class Factor(NamedTuple):
    """∂ of the state of one step by that of another; step k is 0."""

    joint: bool
    """Of (h, c), else of h alone."""
    of: int
    by: int


def read(formula: str, caches: Sequence[StepCache], *, backwards: bool = False) -> Array:
    """What one side of a line comes to, from the caches of the steps k+1 … t.

    `backwards` takes the factors in the other order. Raises ValueError where the side is not of the grammar above.
    """
    found = factors(formula, len(caches))
    values = [_value(factor, caches) for factor in (found[::-1] if backwards else found)]
    return reduce(np.matmul, values)


def factors(formula: str, distance: int) -> list[Factor]:
    """The factors of a side from left to right, where t is k + `distance`."""
    formula, steps = plain(formula), {"t": distance, "k": 0}
    if _LISTED.fullmatch(formula):
        return _going_on([read_factor(text, steps) for text in re.findall(_FACTOR, formula)], formula)
    if found := _RANGED.fullmatch(formula):
        first, last, second, end, factor = found.groups()
        step = 1 if last else _at(second, steps) - _at(first, steps)
        if abs(step) != 1:
            raise ValueError(f"{formula!r} does not count by one")
        places = range(_at(first, steps), _at(last or end, steps) + step, step)
        return [read_factor(factor, steps | {"i": place}) for place in places]
    raise ValueError(f"{formula!r} is no product through time")


def read_factor(text: str, steps: Mapping[str, int]) -> Factor:
    """One factor, or the left side of a line, at the steps that its indices stand for."""
    found = re.fullmatch(FRACTION, plain(text))
    if not found:
        raise ValueError(f"{text!r} is no derivative")
    (of_joint, of), (by_joint, by) = (_state(side, steps) for side in found.groups())
    if of_joint != by_joint:
        raise ValueError(f"{text!r} differentiates a hidden state by a joint one, or the other way round")
    return Factor(of_joint, of, by)


def _going_on(printed: list[Factor], formula: str) -> list[Factor]:
    """The first factor and those before it in time, down to step k, if the printed ones begin so."""
    first = printed[0]
    earlier = [
        Factor(first.joint, first.of - n, first.by - n) for n in range(max(len(printed), first.by + 1))
    ]
    if printed != earlier[: len(printed)]:
        raise ValueError(f"{formula!r} does not go back by one step from factor to factor")
    return [factor for factor in earlier if factor.by >= 0]


def _state(text: str, steps: Mapping[str, int]) -> tuple[bool, int]:
    """Whether a state is joint, and its step."""
    found = _STATE.fullmatch(text)
    if not found or found[2] != found[3]:
        raise ValueError(f"{text!r} is no state of one step")
    return found[1] is None, _at(found[1] or found[2], steps)


def _at(index: str, steps: Mapping[str, int]) -> int:
    if index[0] not in steps:
        raise ValueError(f"{index!r} counts nothing here")
    return steps[index[0]] + int(index[1:] or 0)


def _value(factor: Factor, caches: Sequence[StepCache]) -> Array:
    if not 0 <= factor.by < factor.of <= len(caches):
        raise ValueError(f"a factor goes from step k + {factor.by} to k + {factor.of}")
    H = caches[0].h_prev.shape[1]
    whole: Array = joint_product(caches[factor.by : factor.of])[0]
    return whole if factor.joint else whole[:H, :H]
