"""Any derivative through time: by the report's product, by the joint states, and by automatic differentiation."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from matplotlib.figure import Figure

from pingze.lstm.jacobians import VARIABLES, hidden_through_time, of_hidden
from pingze.report.derivation.differentiation import automatic_jacobian, step
from pingze.report.derivation.sample_layers import letters, random_layer
from pingze.report.experiments.charts import level, panels
from pingze.report.experiments.claims import Numbers
from pingze.report.experiments.experiment import Measured, Rows, Trial
from pingze.report.experiments.setup import Setup

E, H = 3, 4


def measure(setup: Setup, trial: Trial) -> Measured:
    """Compute the errors for every variable of the first of `distance` + 1 steps."""
    distance = int(trial.settings["distance"] or 0)
    caches = random_layer(E, H, distance + 1, np.random.default_rng(setup.seed)).caches
    first, *later = [
        {name: torch.from_numpy(value) for name, value in letters(each).items()} for each in caches
    ]

    def last_hidden(name: str, value: torch.Tensor) -> torch.Tensor:
        v = step(first | {name: value}, torch)
        for given in later:
            v = step(given | {"h_prev": v["h"], "c_prev": v["c"]}, torch)
        hidden: torch.Tensor = v["h"]
        return hidden

    product, values = np.eye(H), step(first, torch)
    for cache in caches[1:]:
        product = of_hidden(cache).h_prev[0] @ product
    errors: dict[str, dict[str, float]] = {"printed": {}, "joint": {}}
    for name in VARIABLES:
        right = automatic_jacobian(partial(last_hidden, name), values[name].numpy())
        found = {
            "printed": np.tensordot(product, getattr(of_hidden(caches[0]), name)[0], axes=1),
            "joint": hidden_through_time(caches, name)[0],
        }
        for way, jacobian in found.items():
            errors[way][name] = float(np.linalg.norm(jacobian - right) / np.linalg.norm(right))
    return Measured(errors)


def judge(rows: Rows) -> Mapping[str, Numbers]:
    """Compute the numbers of each claim."""
    worst = {way: [max(row.figures[way].values()) for row in rows.values()] for way in ("printed", "joint")}
    printed, joint = worst["printed"], worst["joint"]
    return {"any": {"printed": max(printed), "printed_one": printed[0], "joint": max(joint)}}


def figures(rows: Rows) -> Sequence[Figure]:
    """Draw the error of the report's product by distance, for some variables."""
    figure, (axes,) = panels(xlabel="steps between", ylabel="relative error", yscale="log")
    distances = [int(row.settings["distance"] or 0) for row in rows.values()]
    for name, label in {
        "h_prev": "h",
        "c_prev": "c",
        "x": "x",
        "W_f": "W_f",
        "W_o": "W_o",
        "b_i": "b_i",
    }.items():
        axes.plot(
            distances, [row.figures["printed"][name] for row in rows.values()], "o-", label=f"by {label}"
        )
    level(axes, 1e-9, "tolerance")
    return [figure]
