"""Compare derivatives through time: the report's product and joint Jacobians against automatic differentiation."""

from functools import partial

import numpy as np
import torch

from lab.report.charts import level
from lab.report.experiment import Figures, Judged, Measured, Rows, Setup, Trial
from pingze.derivation import differentiation
from pingze.derivation.charts import panels
from pingze.derivation.differentiation import last_step, letters, relative_error
from pingze.lstm.jacobians import VARIABLES, hidden_through_time, of_hidden

E, H = 3, 4


def measure(setup: Setup, trial: Trial) -> Measured:
    """Measure the relative errors of ∂h_t/∂v_k, k = t - `distance`, by the report's product and by joint Jacobians."""
    distance = trial.settings["distance"]
    caches = differentiation.random_layer(E, H, distance + 1, np.random.default_rng(setup.seed))
    steps, product = [letters(cache) for cache in caches], np.eye(H)
    for cache in caches[1:]:
        product = of_hidden(cache).h_prev[0] @ product
    values = differentiation.step(steps[0], np)
    errors: dict[str, dict[str, float]] = {"printed": {}, "joint": {}}
    for name in VARIABLES:
        last_hidden = partial(lambda name, value: last_step(steps, {name: value}, torch)["h"], name)
        right = differentiation.automatic_jacobian(last_hidden, values[name])
        printed = np.tensordot(product, getattr(of_hidden(caches[0]), name)[0], axes=1)
        errors["printed"][name] = relative_error(printed, right)
        errors["joint"][name] = relative_error(hidden_through_time(caches, name)[0], right)
    return Measured(errors)


def judge(rows: Rows) -> Judged:
    """Compute the numbers by which each claim is judged."""
    worst = {
        way: [max(row.figures[way].values()) for row in rows.values()]
        for way in ("printed", "joint")
    }
    printed, joint = worst["printed"], worst["joint"]
    return {"any": {"printed": max(printed), "printed_one": printed[0], "joint": max(joint)}}


def figures(rows: Rows) -> Figures:
    """Draw the error of the report's product at each distance, for some variables."""
    figure, (axes,) = panels(xlabel="steps between", ylabel="relative error", yscale="log")
    distances = [row.settings["distance"] for row in rows.values()]
    for name in ("h_prev", "c_prev", "x", "W_f", "W_o", "b_i"):
        errors = [row.figures["printed"][name] for row in rows.values()]
        axes.plot(distances, errors, "o-", label=f"by {name.removesuffix('_prev')}")
    level(axes, 1e-9, "tolerance")
    return [figure]
