"""A right line of the report becomes wrong under almost any change, and no change makes its measurement fail."""

import dataclasses
import re
from collections.abc import Iterator
from itertools import permutations

import numpy as np

from pingze.derivation import PrintedLine, latex, lines
from pingze.derivation.differentiation import letters, random_layer
from pingze.derivation.measure import PRODUCTS, WRONG, Measurement, Point, result

GATES = {"f": r"\mathbf{f}", "i": r"\mathbf{i}", "o": r"\mathbf{o}", "c": r"\widetilde{\mathbf{c}}"}
SWAPS = (
    # Signs, products, indices, transposes.
    *(
        (" + ", " - "),
        (" - ", " + "),
        (r" \odot ", " * "),
        (r" \odot ", " + "),
        (" * ", r" \odot "),
    ),
    *(
        (" * ", " + "),
        (" + ", r" \odot "),
        ("_{t-1}", "_{t}"),
        ("_{t}", "_{t-1}"),
        ("_t", "_{t-1}"),
    ),
    *((r"\mathbf{z}^{T}", r"\mathbf{z}"), ("}}}", "}}}^{T}")),
    *((f"W_{{{g}{by}}}", f"W_{{{g}{by}}}^{{T}}") for g in GATES for by in "hx"),
    # Halves of a weight, powers, factors, functions.
    *((f"W_{{{g}{a}}}", f"W_{{{g}{b}}}") for g in GATES for a, b in ("hx", "xh")),
    *(("^{2}", ""), ("^2", ""), ("tanh(", r"\sigma("), (r"\sigma(", "tanh(")),
    *((name + r"_{t} \odot ", "") for name in GATES.values()),
    # Gates, by the signs around their letter.
    *(
        (left + a + right, left + b + right)
        for left, right in (
            (r"\mathbf{net}_{", "}"),
            ("W_{", "}"),
            ("b_", ")"),
            (r"\mathbf{b}_{", "}"),
            ("W_", " "),
        )
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


def verdict(point: Point, id_: str, line: PrintedLine) -> str:
    point.lines = {**lines(), id_: line}
    return result(
        id_, line, [Measurement(point.readings(id_), 0.0, None, every=line.sum is None)]
    ).verdict


RIGHT = [id_ for id_, line in lines().items() if not line.fault and id_ not in PRODUCTS]
TRUE = "R16 R17 R19 R20 R22 R23 R25 R26 R30 R31 R40 R42 R43 R44 R45 R47 R50 R53 R56 R58 R59 R61 R62 R64 R65 R67 R68"
"""Lines in which one * or ⊙ stands between diagonal matrices, or scales rows: there both signs are one product."""


def test_a_mutated_line_is_wrong_but_for_the_sign_of_a_product_that_both_signs_write() -> None:
    point = Point(letters(random_layer(3, 4, 1, np.random.default_rng(0))[0]))
    every = [(id_, line) for id_ in RIGHT for line in mutations(lines()[id_])]
    assert len(every) > 1000
    true = [(id_, line.formula) for id_, line in every if verdict(point, id_, line) != WRONG]
    assert " ".join(id_ for id_, _ in true) == TRUE
    for id_, formula in true:
        changed, printed = (text.replace("*", r"\odot") for text in (formula, lines()[id_].formula))
        assert changed == printed
    assert WRONG not in {verdict(point, id_, lines()[id_]) for id_ in RIGHT}
