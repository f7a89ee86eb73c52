"""Every displayed line of the report has a row, and the page on the derivation agrees with what is measured."""

import io
import json
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from rich.console import Console

from pingze.cli.terminal.derivation_table import summary, table
from pingze.errors import MissingExtraError
from pingze.lstm.formulas import gate_weights
from pingze.report.derivation import latex, through_time
from pingze.report.derivation.derive import derive, draw
from pingze.report.derivation.measure import Point, measure_through_time
from pingze.report.derivation.printed_lines import WRONG, LineResult, lines
from pingze.report.derivation.sample_layers import letters, random_layer, trained_layer
from pingze.report.derivation.time_span import TimeSpan
from tests.lstm.test_jacobians import SHAPES, random_steps
from tests.report.derivation.documents import document

PRINTED = [
    *[
        ("forward", name, rows)
        for name, rows in (("z", 1), ("f_t", 2), ("i_t", 2), ("c̃_t", 2), ("c_t", 1), ("o_t", 2))
    ],
    ("forward", "h_t", 1),
    *[("one step", f"∂h_t/∂{name}", rows) for name, rows in (("o_t", 2), ("c_t", 2), ("f_t", 3), ("i_t", 3))],
    *[
        ("one step", f"∂h_t/∂{name}", rows)
        for name, rows in (("c̃_t", 3), ("c_{t-1}", 3), ("h_{t-1}", 14), ("x_t", 4))
    ],
    *[("one step", f"∂h_t/∂{kind}_{gate}", 3) for kind in "Wb" for gate in "ofic"],
    ("through time", "∂h_t/∂h_k", 2),
]
"""The displays of the report's Part 1 and how many lines each has, counted by hand on the printed page."""
WRONG_LINES = "R5 R7 R10 R32 R33 R34 R36 R37 R38 R39 R41 R70 R71"
TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def rows() -> list[LineResult]:
    return derive()


@pytest.fixture(scope="module")
def blocks() -> ModuleType:
    return document("blocks")


def test_every_displayed_line_has_a_row(rows: list[LineResult]) -> None:
    places = [
        f"{section}, {left}, row {number}" if count > 1 else f"{section}, {left}"
        for section, left, count in PRINTED
        for number in range(1, count + 1)
    ]
    assert [row.place for row in rows] == places
    assert [row.id for row in rows] == [f"R{number}" for number in range(1, 72)]


def test_wrong_is_measured_and_has_a_correction_that_is_right(rows: list[LineResult]) -> None:
    assert " ".join(row.id for row in rows if row.verdict == WRONG) == WRONG_LINES
    for row in rows:
        assert row.corrected_error < TOLERANCE, row.id
        assert row.central_error is None or row.central_error < 1e-6, row.id
        if row.verdict == WRONG:
            assert row.printed_error > 0.1, row.id
            assert row.fault, row.id
            assert bool(row.correction) == (row.id != "R38"), row.id
        else:
            assert row.verdict.startswith("right"), row.id
            assert row.printed_error < TOLERANCE, row.id
            assert not row.fault + row.correction, row.id


def test_what_stands_for_another_product_is_said_precisely(rows: list[LineResult]) -> None:
    def ids(part: str) -> str:
        return " ".join(row.id for row in rows if part in row.verdict)

    assert ids("an outer product") == "R48 R51 R54 R57"
    assert ids("a row scaling of the identity") == "R60 R63 R66 R69"
    assert ids("a row scaling") == ("R40 R42 R43 R44 R45 R47 R50 R53 R56 R59 R60 R62 R63 R65 R66 R68 R69")
    assert ids("a term of a further equality") == "R35 R40"
    assert ids("net_c read as net_c̃") == "R29 R55 R56 R67 R68"


def test_rows_after_a_finished_sum_are_read_both_ways(rows: list[LineResult]) -> None:
    for row in rows[33:41]:
        assert "a further sum" in row.readings, row.id
        assert any(name.startswith("a term of a further equality") for name in row.readings), row.id
        assert row.readings["a further sum"] > 0.1, row.id
        assert row.readings["a further equality by itself"] > 0.1, row.id
    assert rows[40].readings["R39 to R41 together"] > 0.1
    assert rows[44].readings["R42 to R45 together"] < TOLERANCE


def test_slips_are_told_from_what_is_right_beside_them(rows: list[LineResult]) -> None:
    assert rows[4].readings["equality 1"] > 0.1
    assert rows[4].readings["equality 2"] < TOLERANCE
    assert min(rows[6].readings.values()) > 0.1


def test_the_report_s_product_is_right_over_one_step_only(rows: list[LineResult]) -> None:
    one, *more = rows[69].readings.values()
    assert one < TOLERANCE
    assert min(more) > 0.3


def span(distance: int = 3) -> TimeSpan:
    return TimeSpan(random_layer(3, 4, distance, np.random.default_rng(0)).caches, np.arange(4))


def outcome(side: str) -> float | str:
    """The error of a side, or why it cannot be read."""
    try:
        return span().error(side)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    ("id_", "printed", "instead"),
    [
        ("R70", "h}_{t-2}}", "c}_{t-2}}"),
        ("R70", r"\frac{\partial \mathbf{h}_t}", r"\frac{\partial \mathbf{o}_t}"),
        ("R70", r"_{t-2}} * ", "_{t-2}} "),
        ("R70", r"\mathbf{h}_{t-3}", r"\mathbf{h}_{t-4}"),
        ("R71", r"\prod", r"\sum"),
        ("R71", "i+1", "i+2"),
        ("R71", "t-1", "t"),
        ("R71", "h}_i}", "h}_{k}}"),
    ],
)
def test_a_product_is_read_as_it_stands(id_: str, printed: str, instead: str) -> None:
    (side,) = latex.sides(lines()[id_].formula)
    changed = latex.plain(lines()[id_].formula.replace(printed, instead)).split("= ")[-1]
    assert changed != side
    assert outcome(changed) != pytest.approx(outcome(side), rel=1e-3)


@pytest.mark.parametrize("id_", ["R70", "R71"])
def test_nonsense_in_the_correction_of_a_product_is_seen(id_: str) -> None:
    left, (side,) = lines()["R70"].corrected.split(" = ")[0], latex.sides(lines()[id_].corrected)
    assert span().error(side, left=left) < TOLERANCE
    assert span().error(side, left=left, central=True) < 1e-6
    assert span().error(side, left=left, backwards=True) > 0.1
    for nonsense in (
        side.replace("h_t-1", "h_t-2"),
        side.replace("t-2", "t-1"),
        side.replace("c_", "o_"),
        "1",
    ):
        if nonsense != side:
            with pytest.raises(ValueError, match=r"product|state|step|count"):
                span().error(nonsense, left=left)
    with pytest.raises(ValueError, match="is no hidden product"):
        span().error(side)


def test_the_factors_of_a_product_stand_in_the_order_that_is_written() -> None:
    def steps(formula: str) -> list[int]:
        return [factor.of for factor in through_time.factors(formula, 3)]

    factor = r"\frac{\partial h_{i+1}}{\partial h_i}"
    assert steps(rf"\prod_{{i=k}}^{{t-1}} {factor}") == [1, 2, 3]
    assert steps(rf"\prod_{{i=t-1,t-2,\dots,k}} {factor}") == [3, 2, 1]
    assert steps(latex.sides(lines()["R70"].formula)[0]) == [3, 2, 1]


def test_a_wrong_bias_is_measured_with_the_layer_s_own() -> None:
    layer = trained_layer("report", 4)
    gates, cache = gate_weights(layer.parameters), layer.caches[3]
    net = gates["i"].W_h @ cache.h_prev[0] + gates["i"].W_x @ cache.x[0]
    printed, right = (1 / (1 + np.exp(-(net + gates[g].b))) for g in "fi")
    error = np.linalg.norm(printed - right) / np.linalg.norm(right)
    point = Point(letters(cache)).measured("R5")
    assert point.readings["equality 1"].error == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize(("B", "E", "H"), SHAPES)
def test_corrected_lines_on_random_shapes(B: int, E: int, H: int) -> None:
    (cache,) = random_steps(1, B, E, H)
    for b in range(B):
        one = slice(b, b + 1)
        row = cache._replace(x=cache.x[one], h_prev=cache.h_prev[one], c_prev=cache.c_prev[one])
        point = Point(letters(row))
        errors = {id_: point.corrected_error(id_) for id_ in list(lines())[:-2]}
        assert max(errors.values()) < TOLERANCE, errors


@pytest.mark.parametrize(("B", "E", "H"), SHAPES[:5])
def test_corrected_product_on_random_shapes(B: int, E: int, H: int) -> None:
    rng = np.random.default_rng(B)
    for measured in measure_through_time(random_layer(E, H, 8, rng), rng).values():
        assert measured.corrected < TOLERANCE


def test_some_units_of_a_layer_have_the_jacobians_of_the_whole() -> None:
    (cache,) = random_steps(1, 1, 6, 7)
    units, inputs = np.array([5, 1]), np.array([0, 4, 2])
    whole, part = Point(letters(cache)).at, Point(letters(cache, units, inputs)).at
    for name in ("f", "c", "h", "net_o"):
        np.testing.assert_allclose(part.values[name], whole.values[name][units], rtol=1e-12)
    np.testing.assert_allclose(
        part.automatic("h", "h_prev"), whole.automatic("h", "h_prev")[np.ix_(units, units)], rtol=1e-9
    )
    np.testing.assert_allclose(
        part.automatic("h", "x"), whole.automatic("h", "x")[np.ix_(units, inputs)], rtol=1e-9
    )


def test_every_line_but_one_closes_its_brackets() -> None:
    def readable(id_: str, formula: str) -> bool:
        values = {name: np.ones(2) for name in latex.LETTERS.values()} | {"z": np.ones(4)}
        values |= {f"W_{g}": np.ones((2, 4)) for g in "fico"} | {
            f"W_{g}{by}": np.eye(2) for g in "fico" for by in "hx"
        }
        try:
            for side in latex.sides(formula):
                latex.read(side, values, lambda of, by: np.eye(2))
        except ValueError:
            return False
        return True

    one_step = list(lines().items())[:-2]
    assert [id_ for id_, line in one_step if not readable(id_, line.formula)] == ["R39"]
    for id_, line in one_step:
        assert bool(line.also) == (id_ == "R39")
        for way in line.ways.values():
            assert readable(id_, way), id_
            for closing in ("]", ")"):
                assert closing not in way or not readable(id_, way.replace(closing, "", 1)), id_


def test_rows_are_json(rows: list[LineResult]) -> None:
    again = json.loads(json.dumps([asdict(row) for row in rows], ensure_ascii=False, allow_nan=False))
    for entry in again:
        assert {
            "id",
            "place",
            "formula",
            "verdict",
            "printed_error",
            "corrected_error",
            "correction",
        } <= entry.keys()
        assert isinstance(entry["printed_error"], float)
        assert isinstance(entry["corrected_error"], float)


def test_table_shows_every_line_and_what_it_should_say(rows: list[LineResult]) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table(rows))
    text = console.export_text()
    for row in rows:
        assert f" {row.id} " in text
    assert "should be: = σ(W_ih * h_{t-1} + W_ix * x_t + b_i) = σ(net_i)" in text
    assert "should be: = ∏_{i=t-1,t-2,…,k} ∂(h_{i+1}, c_{i+1})/∂(h_i, c_i)" in text
    assert summary(rows).startswith(
        "58 of 71 lines are right: 33 as printed, 20 under a convention for products, 3 by renaming net_c, 2 by "
        "re-reading a sign; wrong are R5, R7,"
    )


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pingze.report.derivation.derive.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="checking the derivation needs the extra `train`"):
        derive()
    with pytest.raises(MissingExtraError, match="drawing the pictures needs the extra `train`"):
        draw(Path("never written"))


def test_the_page_holds_what_is_measured(rows: list[LineResult], blocks: ModuleType) -> None:
    page, written = blocks.PAGE.read_text(encoding="utf-8"), blocks.blocks(rows)
    for name, text in written.items():
        assert text in page, f"the block {name} has changed: python docs/blocks.py writes it again"
    assert page == blocks.filled(page, written)


def test_the_page_names_every_term_of_the_formulas(blocks: ModuleType) -> None:
    page = blocks.PAGE.read_text(encoding="utf-8")
    for number in range(1, 16):
        assert f"\n| ({number}) |" in page
    assert "\n## The efficient form\n" in page


def test_liberties_and_letters_of_the_notation() -> None:
    v, W = np.array([2.0, 3.0]), np.array([[1.0, 4.0], [5.0, 6.0]])
    values = {"h": v, "o": v + 1, "W_fh": W, "z": np.array([1.0, 2.0, 3.0])}

    def read(formula: str) -> latex.Value:
        return latex.read(latex.plain(formula), values, lambda of, by: W)

    scaled = read(r"\mathbf{h}_{t} \odot W_{fh}")
    np.testing.assert_array_equal(scaled.array, [[2, 8], [15, 18]])
    assert scaled.liberties == {latex.ROW_SCALING}
    np.testing.assert_array_equal(read(r"diag[\mathbf{h}_t] * W_{fh}").array, scaled.array)
    assert read(r"\mathbf{h}_t * \mathbf{z}^{T}").liberties == {latex.OUTER_PRODUCT}
    of_expression = read(
        r"\frac{\partial (\mathbf{o}_{t} \odot tanh(\mathbf{h}_{t}))}{\partial \mathbf{h}_{t}}"
    )
    np.testing.assert_allclose(of_expression.array, np.diag((v + 1) * (1 - np.tanh(v) ** 2)), rtol=1e-14)


@pytest.mark.parametrize(
    ("formula", "fault"),
    [
        ("q_t", "no letter"),
        ("h_t h_t", "cannot be read"),
        ("h_t / 2", "signs"),
        ("diag[tanh(h_t)", "has its end where ] belongs"),
        ("diag[tanh(h_t]", r"has ] where \) belongs"),
        ("tanh(h_t))", "cannot be read at"),
        ("[h_t] ", "where , belongs"),
        ("h_t *", "ends where a factor belongs"),
    ],
)
def test_what_the_report_does_not_write_is_refused(formula: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        latex.read(formula, {"h": np.ones(2)}, lambda of, by: np.eye(2))
