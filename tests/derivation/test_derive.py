"""Every displayed line of the report is measured; the page on the derivation agrees with that."""

import hashlib
import importlib
import io
import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from pingze.cli.derivation import lines_table, summary
from pingze.derivation import lines
from pingze.derivation.differentiation import (
    last_step,
    letters,
    random_layer,
    state_derivative,
    step,
)
from pingze.derivation.measure import WRONG, LineResult, Point, derive
from tests.lstm.test_formulas import random_steps

WRONG_LINES = "R5 R7 R10 R32 R33 R34 R36 R37 R38 R39 R41 R70 R71"
TOLERANCE = 1e-9
DIGEST = "3d81e4a1cbc6622b"
"""Of the printed formulas without spaces, as they were once compared with the report."""


@pytest.fixture(scope="module")
def rows() -> list[LineResult]:
    return derive()


def squeezed(formula: str) -> str:
    """LaTeX without spaces, alignment, line ends and displays."""
    return re.sub(r"\\begin\{split\}|\\end\{split\}|\\\\|[&\s$]", "", formula)


def test_the_lines_are_those_of_the_report() -> None:
    assert list(lines()) == [f"R{number}" for number in range(1, 72)]
    printed = "".join(squeezed(line.formula) for line in lines().values())
    assert hashlib.blake2b(printed.encode(), digest_size=8).hexdigest() == DIGEST
    path = os.environ.get("PINGZE_REPORT")
    if not path:
        pytest.skip("the report is no part of this repository; PINGZE_REPORT names its Markdown")
    part = Path(path).read_text(encoding="utf-8").partition("Part 1")[2].partition("Part 2")[0]
    displayed = re.findall(r"\$\$(.*?)\$\$", part, re.DOTALL)
    assert "".join(squeezed(formula) for formula in displayed) == printed


def test_wrong_is_measured_and_has_a_correction_that_is_right(rows: list[LineResult]) -> None:
    assert " ".join(row.id for row in rows if row.verdict == WRONG) == WRONG_LINES
    for row in rows:
        assert row.corrected_error < TOLERANCE, row.id
        if row.verdict == WRONG:
            assert row.printed_error > 0.1, row.id
            assert row.fault, row.id
            assert bool(row.correction) == (row.id != "R38"), row.id
        else:
            assert row.verdict.startswith("right"), row.id
            assert row.printed_error < TOLERANCE, row.id
            assert not row.fault + row.correction, row.id


def test_a_line_has_the_error_of_each_of_its_readings(rows: list[LineResult]) -> None:
    # Two equalities of a line, the first with a wrong bias.
    assert rows[4].readings["equality 1"] > 0.1
    assert rows[4].readings["equality 2"] < TOLERANCE
    # Rows after a finished sum.
    for row in rows[33:41]:
        assert any(name.startswith("a term of a further equality") for name in row.readings), row.id
        assert row.readings["a further sum"] > 0.1, row.id
        assert row.readings["a further equality by itself"] > 0.1, row.id
    assert rows[40].readings["R39 to R41 together"] > 0.1
    assert rows[44].readings["R42 to R45 together"] < TOLERANCE
    # The product through time, right over one step only, and its factors in either order.
    one, *more = rows[69].readings.values()
    assert one < TOLERANCE
    assert min(more) > 0.3
    printed, turned = rows[70].readings.values()
    assert turned > printed > 0.3


def test_conventions_are_named_precisely(rows: list[LineResult]) -> None:
    def ids(part: str) -> str:
        return " ".join(row.id for row in rows if part in row.verdict)

    assert ids("an outer product") == "R48 R51 R54 R57"
    assert ids("a row scaling of the identity") == "R60 R63 R66 R69"
    scaled = "R40 R42 R43 R44 R45 R47 R50 R53 R56 R59 R60 R62 R63 R65 R66 R68 R69"
    assert ids("a row scaling") == scaled
    assert ids("a term of a further equality") == "R35 R40"
    assert ids("net_c read as net_c̃") == "R29 R55 R56 R67 R68"


def central_differences(
    function: Callable[[np.ndarray], np.ndarray], start: np.ndarray
) -> np.ndarray:
    """The Jacobian of f at `start`: (f(x + δ) - f(x - δ)) / 2δ."""
    columns = []
    for move in 1e-5 * np.eye(start.size):
        move = move.reshape(start.shape)
        columns.append((function(start + move) - function(start - move)) / 2e-5)
    return np.stack(columns, axis=-1).reshape(columns[0].shape + start.shape)


@pytest.mark.parametrize("by", ["net_f", "net_o", "c", "z", "x", "h_prev", "c_prev", "W_i", "b_c"])
def test_automatic_differentiation_agrees_with_central_differences(by: str) -> None:
    (cache,) = random_steps(1, 1, 4, 3)
    point = Point(letters(cache))
    expected = central_differences(
        lambda value: step(point.given | {by: value}, np)["h"], point.values[by]
    )
    np.testing.assert_allclose(point.automatic("h", by), expected, atol=1e-8)


def test_the_derivative_through_time_agrees_with_central_differences() -> None:
    caches = random_layer(3, 4, 5, np.random.default_rng(0))
    steps = [letters(cache) for cache in caches]
    start = np.concatenate([caches[0].h_prev[0], caches[0].c_prev[0]])

    def last_state(state: np.ndarray) -> np.ndarray:
        last = last_step(steps, {"h_prev": state[:4], "c_prev": state[4:]}, np)
        return np.concatenate([last["h"], last["c"]])

    expected = central_differences(last_state, start)
    np.testing.assert_allclose(state_derivative(caches, np.arange(8)), expected, atol=1e-8)


def test_some_units_of_a_layer_have_the_jacobians_of_the_whole() -> None:
    (cache,) = random_steps(1, 1, 6, 7)
    units = np.array([5, 1])
    inputs = np.array([0, 4, 2])
    whole = Point(letters(cache))
    part = Point(letters(cache, units, inputs))
    for name in ("f", "c", "h", "net_o"):
        np.testing.assert_allclose(part.values[name], whole.values[name][units], rtol=1e-12)
    for by, columns in (("h_prev", units), ("x", inputs)):
        expected = whole.automatic("h", by)[np.ix_(units, columns)]
        np.testing.assert_allclose(part.automatic("h", by), expected, rtol=1e-9)


def test_table_and_json_show_every_line(rows: list[LineResult]) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(lines_table(rows))
    text = console.export_text()
    for row in rows:
        assert f" {row.id} " in text
    assert "should be: = σ(W_ih * h_{t-1} + W_ix * x_t + b_i) = σ(net_i)" in text
    granted = (
        "33 as printed, 20 under a convention for products, "
        "3 by renaming net_c, 2 by re-reading a sign"
    )
    assert summary(rows).startswith(f"58 of 71 lines are right: {granted}; wrong are R5, R7,")
    assert json.dumps([asdict(row) for row in rows], allow_nan=False)


@pytest.mark.slow
def test_the_page_holds_the_measurements(rows: list[LineResult]) -> None:
    blocks = importlib.import_module("tools.lstm_derivation")
    page = blocks.PAGE.read_text(encoding="utf-8")
    written = blocks.blocks(rows)
    for name, text in written.items():
        assert text in page, (
            f"the block {name} has changed: python tools/lstm_derivation.py writes it again"
        )
    assert page == blocks.filled(page, written)
    for number in range(1, 16):
        assert f"\n| ({number}) |" in page
