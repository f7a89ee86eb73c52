"""A right line of the report becomes wrong under almost any change."""

import dataclasses
import re
from collections.abc import Iterator
from itertools import permutations

import numpy as np
import pytest

from pingze.derivation import PrintedLine, latex, lines
from pingze.derivation.differentiation import letters, random_layer
from pingze.derivation.measure import PRODUCTS, WRONG, Measurement, Point, result

GATES = {"f": r"\mathbf{f}", "i": r"\mathbf{i}", "o": r"\mathbf{o}", "c": r"\widetilde{\mathbf{c}}"}


def swaps() -> list[tuple[str, str]]:
    """What is changed for what."""
    # 1) Signs, products, indices, transposes.
    pairs = [
        (" + ", " - "),
        (" - ", " + "),
        (r" \odot ", " * "),
        (r" \odot ", " + "),
        (" * ", r" \odot "),
        (" * ", " + "),
        (" + ", r" \odot "),
        ("_{t-1}", "_{t}"),
        ("_{t}", "_{t-1}"),
        ("_t", "_{t-1}"),
        (r"\mathbf{z}^{T}", r"\mathbf{z}"),
        ("}}}", "}}}^{T}"),
    ]
    for g in GATES:
        pairs.append((f"W_{{{g}h}}", f"W_{{{g}h}}^{{T}}"))
        pairs.append((f"W_{{{g}x}}", f"W_{{{g}x}}^{{T}}"))
    # 2) Halves of a weight, powers, functions, factors.
    for g in GATES:
        pairs.append((f"W_{{{g}h}}", f"W_{{{g}x}}"))
        pairs.append((f"W_{{{g}x}}", f"W_{{{g}h}}"))
    pairs += [("^{2}", ""), ("^2", ""), ("tanh(", r"\sigma("), (r"\sigma(", "tanh(")]
    pairs += [(name + r"_{t} \odot ", "") for name in GATES.values()]
    # 3) Gates, by the signs around their letter.
    around = [
        (r"\mathbf{net}_{", "}"),
        ("W_{", "}"),
        ("b_", ")"),
        (r"\mathbf{b}_{", "}"),
        ("W_", " "),
    ]
    for left, right in around:
        for one, other in permutations(GATES, 2):
            pairs.append((left + one + right, left + other + right))
    for one, other in permutations(GATES.values(), 2):
        pairs.append((f"{one}_{{t}}", f"{other}_{{t}}"))
    return pairs


def mutations(line: PrintedLine) -> Iterator[PrintedLine]:
    """The line with one change on its right side, at each place where a swap applies."""
    start = max(line.formula.find("= "), 0) + 2
    for old, new in swaps():
        for found in re.finditer(re.escape(old), line.formula[start:]):
            at = start + found.start()
            changed = line.formula[:at] + new + line.formula[at + len(old) :]
            if latex.plain(changed) != latex.plain(line.formula):
                yield dataclasses.replace(line, formula=changed)


def verdict(point: Point, id_: str, line: PrintedLine) -> str:
    point.lines = {**lines(), id_: line}
    measurement = Measurement(readings=point.readings(id_), corrected=0.0, every=line.sum is None)
    return result(id_, line, [measurement]).verdict


RIGHT = [id_ for id_, line in lines().items() if not line.fault and id_ not in PRODUCTS]
EITHER_SIGN = (
    "R16 R17 R19 R20 R22 R23 R25 R26 R30 R31 R40 R42 R43 R44 R45 "
    "R47 R50 R53 R56 R58 R59 R61 R62 R64 R65 R67 R68"
)
"""Lines in which one * or ⊙ is between diagonal matrices or scales rows, where both are one product."""


@pytest.fixture(scope="module")
def point() -> Point:
    (cache,) = random_layer(3, 4, 1, np.random.default_rng(0))
    return Point(letters(cache))


def test_a_mutated_line_is_wrong_but_for_the_sign_of_a_product(point: Point) -> None:
    mutated = []
    for id_ in RIGHT:
        mutated += [(id_, line) for line in mutations(lines()[id_])]
    assert len(mutated) > 1000
    still_right = [(id_, line) for id_, line in mutated if verdict(point, id_, line) != WRONG]
    assert " ".join(id_ for id_, _ in still_right) == EITHER_SIGN
    for id_, line in still_right:
        printed = lines()[id_].formula
        assert line.formula.replace("*", r"\odot") == printed.replace("*", r"\odot")


def test_a_line_without_a_mutation_is_right(point: Point) -> None:
    for id_ in RIGHT:
        assert verdict(point, id_, lines()[id_]) != WRONG, id_
