"""Train with softmax applied twice, and measure which tokens the network favors at a stall.

No claim needs this.
"""

import torch
from torch import nn

from lab.report.charts import level
from lab.report.course import PlainTrainer, train
from lab.report.experiment import Figures, Measured, Rows, Setup, Trial
from lab.report.softmax import SoftmaxTwice, bound
from pingze.derivation.charts import panels
from pingze.network.batches import pack

POEMS = 64


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train with two softmaxes, and measure the probabilities that the model predicts on `POEMS` dev poems."""
    curves: dict[str, list[float]] = {"p_common": [], "p_correct": [], "p_largest": [], "twice": []}
    shares: list[float] = []

    def look(trainer: PlainTrainer) -> None:
        inputs, targets, sizes = map(torch.from_numpy, pack(trainer.dev_sequences[:POEMS]))
        with torch.no_grad():
            p = torch.softmax(trainer.model.output(trainer.model(inputs, sizes)), dim=1).double()
        counts = torch.bincount(targets)
        shares.append(float(counts.max() / counts.sum()))
        curves["p_common"].append(float(p[:, counts.argmax()].mean()))
        curves["p_correct"].append(float(p[torch.arange(len(p)), targets].mean()))
        curves["p_largest"].append(float(p.max(dim=1).values.mean()))
        curves["twice"].append(float(nn.functional.cross_entropy(p, targets)))

    course = train(setup, trial.settings, trainer=SoftmaxTwice, look=look)
    return course.measured(curves, common=shares[0], bound=bound(setup.vocabulary_size))


def figures(rows: Rows) -> Figures:
    """Draw the mean probabilities by step, and the loss beside its approximation."""
    inside, (axes,) = panels(xlabel="step", ylabel="mean probability", ylim=(-0.03, 1.03))
    stall, (below,) = panels(xlabel="step", ylabel="loss, nats per token")
    for number, (name, row) in enumerate(rows.items()):
        axes.plot(
            row.curve("looks"), row.curve("p_largest"), f"C{number}o-", label=f"largest, {name}"
        )
        axes.plot(
            row.curve("looks"), row.curve("p_correct"), f"C{number}o--", label=f"right, {name}"
        )
        below.plot(row.curve("looks"), row.curve("twice"), f"C{number}o-", label=f"loss, {name}")
        predicted = row.number("bound") + 1 - row.curve("p_correct")
        below.plot(row.curve("looks"), predicted, f"C{number}x", label=f"approximation, {name}")
    level(axes, row.number("common"), "share of the commonest token")
    return [inside, stall]
