"""Write the blocks of docs/lstm-derivation.md that a program computes, each between two markers.

python tools/lstm_derivation.py
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pingze.arrays import Array
from pingze.cli.derivation import figure, summary
from pingze.derivation.differentiation import VERSE, trained_layer, untrained_layer
from pingze.derivation.measure import WRONG, LineResult, derive
from pingze.derivation.pictures import gradient_flow, plain_gradient_flow
from pingze.lstm import jacobians
from pingze.lstm.formulas import Parameters, StepCache, gate_weights, step_backward, step_forward

PAGE = Path(__file__).parents[1] / "docs" / "lstm-derivation.md"
DISTANCES = (1, 2, 4, 8, 16, 32, 47)
"""The t - k of the table of the two products, at the end of `STEPS`."""
STEPS = 48
VERSES = (
    VERSE,
    "山居幽且僻，門巷少塵埃。草徑荒苔滑，莎庭敗葉開。野香隨蔓落，溪影逐僧來。但覺琴書靜，悠然對酒杯。",
    "夜靜庭虛秋色深，寂寥閑館獨愁心。螢光暗入蟾宮影，蛩響空侵蟋蟀吟。鐘漏漸稀星斗轉，砧聲初動月輪沈。",
)
"""Three verses by the shipped models, of 48 characters each, marks included."""


def blocks(rows: Sequence[LineResult]) -> dict[str, str]:
    """Every block by its name in the page's markers."""
    return {
        "example": worked_example(),
        "products": two_products(),
        "errata": errata(rows),
        "lines": all_lines(rows),
    }


def filled(page: str, blocks: Mapping[str, str]) -> str:
    """The page with its blocks replaced."""
    for name, text in blocks.items():
        begin = f"<!-- {name}: written by tools/lstm_derivation.py -->"
        end = f"<!-- end of {name} -->"
        count = len(re.findall(f"{begin}.*?{end}", page, re.DOTALL))
        if count != 1:
            raise ValueError(f"the page has {count} blocks {name}")
        before = page.split(begin)[0]
        after = page.split(end)[1]
        page = f"{before}{begin}\n\n{text}\n\n{end}{after}"
    return page


def errata(rows: Sequence[LineResult]) -> str:
    """What is wrong, what it should say, and how far it is off in each reading."""
    named = [row.id for row in rows if re.search(r"net\}_\{?c", row.formula)]
    told = f"In {', '.join(named)} the report writes net_c for the net_c̃ of R7; the corrections write net_c throughout."
    lines = [
        f"{summary(rows)}. {told}",
        "",
        "| line | as printed, and what it should say | what is wrong | error | corrected |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        if row.verdict == WRONG:
            correction = _math(row.correction) if row.correction else "nothing"
            readings = [f"{name}: {figure(error)}" for name, error in row.readings.items()]
            lines.append(
                f"| {row.id} | {_math(row.formula)}<br>should be<br>{correction} | {row.fault} "
                f"| {'<br>'.join(readings)} | {figure(row.corrected_error)} |"
            )
    return "\n".join(lines)


def all_lines(rows: Sequence[LineResult]) -> str:
    """Every displayed line and what became of it."""
    lines = ["| line | place | formula | verdict | error |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.id} | {row.place} | {_math(row.formula)} | {row.verdict} | {figure(row.printed_error)} |"
        for row in rows
    ]
    return "\n".join(lines)


def two_products() -> str:
    """What comes through time whole, along some ways, and without gates: trained, and as a layer begins.

    Each cell holds the median over the verses, and the least and the largest value.
    """
    lines = [
        "| weights | t − k | gain of ∂h_t/∂h_k | of the hidden way | it misses | of the cell's way | it misses "
        "| mixed ways | without gates |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    # 1) The layers, with each verse.
    layers: dict[str, list[list[StepCache]]] = {"trained": [], "orthogonal, untrained": []}
    for verse in VERSES:
        trained = trained_layer("report", STEPS, verse)
        layers["trained"].append(trained)
        untrained = untrained_layer("orthogonal", trained, np.random.default_rng(0))
        layers["orthogonal, untrained"].append(untrained)
    # 2) A row for each distance.
    for name, verses in layers.items():
        flows = [gradient_flow(layer, ()).gains for layer in verses]
        plain = [plain_gradient_flow(layer, ()).gains["whole"] for layer in verses]
        for distance in DISTANCES:
            place = distance - 1
            cells = [name, str(distance)]
            cells.append(_spread([gains["whole"][place] for gains in flows]))
            for way, missed_by_way in (("hidden", "missed"), ("cell", "missed_by_cell")):
                cells.append(_spread([gains[way][place] for gains in flows]))
                missed = [gains[missed_by_way][place] / gains["whole"][place] for gains in flows]
                cells.append(_shares(missed))
            mixed = [gains["mixed"][place] / gains["whole"][place] for gains in flows]
            cells.append(_shares(mixed) if place else "–")
            cells.append(_spread([gains[place] for gains in plain]))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    """The median of some numbers, and the least and the largest where they differ."""
    least, median, largest = (f"{value:.2g}" for value in np.quantile(values, (0, 0.5, 1)))
    return median if least == largest else f"{median} ({least} to {largest})"


def _shares(values: Sequence[float]) -> str:
    """The same of shares, in percent."""
    least, median, largest = (f"{value:.0%}" for value in np.quantile(values, (0, 0.5, 1)))
    return median if least == largest else f"{median} ({least} to {largest})"


def worked_example() -> str:
    """Two units and one input: a step, its Jacobians, the gradient of a loss, and one step more."""
    parameters = _example_parameters()
    x = np.array([[1.0]])
    h_prev = np.array([[0.5, -0.3]])
    c_prev = np.array([[0.8, -0.6]])
    (h, c), cache = step_forward(x, h_prev, c_prev, parameters)
    _, next_cache = step_forward(x, h, c, parameters)
    parts = [
        _given(cache),
        _forward(cache, h, c),
        _one_step(cache),
        _gradient(cache, h),
        _two_steps([cache, next_cache]),
    ]
    return "\n\n".join(parts)


def _example_parameters() -> Parameters:
    parameters = Parameters(
        weight_ih=np.zeros((8, 1)), weight_hh=np.zeros((8, 2)), bias=np.zeros(8)
    )
    gates = gate_weights(parameters)
    # the weights of h_{t-1}, two columns, and of x_t
    weights = {
        "f": np.array([[0.5, -0.2, 0.3], [0.1, 0.4, -0.5]]),
        "i": np.array([[-0.3, 0.6, 0.8], [0.7, 0.2, 0.1]]),
        "c": np.array([[0.9, -0.4, 0.5], [-0.6, 0.3, 1.0]]),
        "o": np.array([[0.2, 0.5, -0.4], [-0.1, 0.8, 0.6]]),
    }
    for name, W in weights.items():
        gates[name].W_h[:] = W[:, :2]
        gates[name].W_x[:] = W[:, 2:]
    gates["f"].b[:] = 1.0
    return parameters


def _given(cache: StepCache) -> str:
    gates = gate_weights(cache.parameters)
    weights = {f"W_{g}": np.hstack([gates[g].W_h, gates[g].W_x]) for g in "fico"}
    biases = {f"b_{g}": gates[g].b for g in "fico"}
    state = {"h_{t-1}": cache.h_prev, "c_{t-1}": cache.c_prev, "x_t": cache.x}
    return _text("Given are two units (H = 2), one input (E = 1), and", weights | biases | state)


def _forward(cache: StepCache, h: Array, c: Array) -> str:
    z = np.hstack([cache.h_prev, cache.x])
    i, f, c_tilde, o = cache.gates
    gates = gate_weights(cache.parameters)
    net = {f"net_{g}": np.hstack([gates[g].W_h, gates[g].W_x]) @ z[0] + gates[g].b for g in "fico"}
    activated = {"f_t": f, "i_t": i, "c̃_t": c_tilde, "o_t": o, "c_t": c, "h_t": h}
    return _text("The step forward:", {"z": z} | net | activated)


def _one_step(cache: StepCache) -> str:
    of = jacobians.of_hidden(cache)
    shown = {
        "∂h_t/∂o_t": of.o,
        "∂h_t/∂c_t": of.c,
        "∂h_t/∂f_t": of.f,
        "∂h_t/∂i_t": of.i,
        "∂h_t/∂c̃_t": of.c_tilde,
        "∂h_t/∂c_{t-1}": of.c_prev,
        "∂h_t/∂h_{t-1}": of.h_prev,
        "∂h_t/∂x_t": of.x,
        "∂h_{t,1}/∂W_f": of.W_f[:, 0],
        "∂h_{t,2}/∂W_f": of.W_f[:, 1],
        "∂h_t/∂b_f": of.b_f,
        "J_t": jacobians.joint(cache),
    }
    intro = (
        "Its Jacobians. ∂h_t/∂W_f is 2 × 2 × 3; each unit's 2 × 3 part has one row that is not zero, and those two\n"
        "rows together are the outer product that the report prints. J_t is the joint one of (h, c):"
    )
    return _text(intro, shown)


def _gradient(cache: StepCache, h: Array) -> str:
    """From -ln softmax(U h_t)[1] back to everything."""
    # 1) The softmax, and the gradient of its logits.
    U = np.array([[1.0, -0.5], [0.3, 0.8], [-0.7, 0.2]])
    p = np.exp(U @ h[0]) / np.exp(U @ h[0]).sum()
    dlogits = p - np.array([1.0, 0.0, 0.0])
    dh = (dlogits @ U)[None]
    dx, dh_prev, dc_prev, (dweight_ih, dweight_hh, dbias) = step_backward(
        dh, np.zeros_like(dh), cache
    )
    # 2) Its terms, by the Jacobians and by the backward pass.
    of = jacobians.of_hidden(cache)
    terms = {
        "U": U,
        "softmax(U h_t)": p,
        "dlogits": dlogits,
        "dh_t": dh,
        "do_t (1)": dh @ of.o[0],
        "dc_t (2)": dh @ of.c[0],
        "df_t (3)": dh @ of.f[0],
        "di_t (4)": dh @ of.i[0],
        "dc̃_t (5)": dh @ of.c_tilde[0],
        "dc_{t-1} (6)": dc_prev,
        "dnet i, f, c̃, o (7)-(10)": dbias,
        "dx_t (11)": dx,
        "dh_{t-1} (12)": dh_prev,
        "dW_f (13), (14)": np.hstack([dweight_hh, dweight_ih])[2:4],
    }
    intro = (
        "A loss on top: three characters, logits U h_t, the first is the right one, "
        f"loss -ln p_1 = {-np.log(p[0]):.4f}.\n"
        "The gradient of it, by the terms' numbers; with one row of batch, (15) is (7) to (10):"
    )
    return _text(intro, terms)


def _two_steps(caches: list[StepCache]) -> str:
    *_, two = jacobians.back_through_time(caches)
    shown = {
        "∂h_{t+1}/∂h_{t-1}": two.whole[..., :2],
        "the report's product": two.hidden,
        "through the cell": two.cell,
    }
    intro = (
        "One step more with the same input. The first matrix is the sum of the other two: the report's product\n"
        "leaves out what h_{t-1} hands on through c_t:"
    )
    return _text(intro, shown)


def _text(intro: str, arrays: Mapping[str, Array]) -> str:
    """A sentence, and named numbers to four digits."""
    width = max(len(name) for name in arrays) + 2
    lines = [intro, "", "```text"]
    for name, array in arrays.items():
        label = name
        for row in np.reshape(array, (-1, array.shape[-1])):
            has_accent = any(unicodedata.combining(character) for character in label)
            numbers = " ".join(f"{value + 0:7.4f}" for value in row)
            lines.append(label.ljust(width + has_accent) + numbers)
            label = ""
    lines.append("```")
    return "\n".join(lines)


def _math(formula: str) -> str:
    """LaTeX inside a sentence or a table, as GitHub takes it."""
    return f"$`{formula}`$"


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), blocks(derive())), encoding="utf-8")
