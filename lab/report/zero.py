"""Train networks initialized with zeros: which units stay equal bit for bit, and what each network can still learn."""

import math

import numpy as np

from lab.report.charts import level
from lab.report.course import PlainTrainer, smoothed, train
from lab.report.experiment import Figures, Judged, Measured, Rows, Setup, Trial
from pingze.derivation.charts import by_step, panels
from pingze.lstm.formulas import Parameters
from pingze.network.model import LanguageModel

FLOOR = "unigram"
NAMES = {
    "all": "all parameters zero",
    "embedding": "random embedding, all else zero",
    "equal": "random embedding and output, equal for all units; LSTM zero",
    "equal-dropout": "the same, with dropout",
    "output": "random embedding and output; LSTM zero",
    "biases": "Xavier, biases zero",
    "forget": "Xavier, forget bias 1",
}
SYMMETRIC = ("all", "embedding", "equal", "equal-dropout", "output")


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train one of the networks, count its distinct units, and list the parameters that changed."""
    if trial.name == FLOOR:
        # The least loss of a model that predicts the same probabilities at every position.
        texts = [example.text[1:] for example in PlainTrainer(setup, {}).train_examples]
        counts = np.bincount(np.concatenate(texts))
        shares = counts[counts > 0] / counts.sum()
        return Measured({"train_entropy": float(-(shares * np.log(shares)).sum())})
    first: dict[str, np.ndarray] = {}

    def start(model: LanguageModel) -> None:
        # Change the initialized weights into those that the trial's name describes.
        H, output = model.configuration.hidden_size, model.output.weight
        if trial.name == "all":
            for parameter in model.parameters():
                parameter.zero_()
        elif trial.name == "embedding":
            output.zero_()
        elif trial.name.startswith("equal"):
            output.copy_(output[:, :1].clone().expand_as(output))
        elif trial.name == "forget":
            model.lstm.layers[0].bias[H : 2 * H] = 1
        first.update({name: tensor.copy() for name, tensor in model.tensors().items()})

    course = train(setup, trial.settings, start=start)
    model, tensors = course.trainer.model, course.trainer.model.tensors()
    kinds, apart = compare_units(model)
    matrices = [tensor.ravel() for tensor in tensors.values() if tensor.ndim == 2]
    return course.measured(
        units=model.configuration.hidden_size,
        kinds_of_units=kinds,
        units_apart=apart,
        values=len(np.unique(np.concatenate(matrices))),
        moved=[name for name, tensor in tensors.items() if not np.array_equal(tensor, first[name])],
        train_nats=course.trainer.train_nats(setup.budget["dev"]),
    )


def compare_units(model: LanguageModel) -> tuple[int, float]:
    """Compare hidden units k of an untied model by row k of each gate's W and b, and by column k of the output weight.

    Returns:
        First, the number of distinct units. Two units are distinct if their weights differ in at
        least one bit. Second, the largest difference between a weight of any unit and the same
        weight of the first unit.
    """
    tensors, H = model.tensors(), model.configuration.hidden_size
    gates = (
        gate for name in Parameters._fields for gate in tensors[f"lstm.0.{name}"].reshape(4, H, -1)
    )
    units = np.concatenate([*gates, tensors["output.weight"].T], axis=1)
    return len({unit.tobytes() for unit in units}), float(np.abs(units - units[0]).max())


def judge(rows: Rows) -> Judged:
    """Compute the numbers by which each claim is judged."""
    row, zero, one = rows["all"], rows["biases"], rows["forget"]
    apart = zero.figures["kinds_of_units"] == zero.figures["units"]
    excess = 100 * (zero.number("dev_nats") / one.number("dev_nats") - 1)
    kinds, entropy = row.number("kinds_of_units"), rows[FLOOR].number("train_entropy")
    gain, random_gain = (max(0.0, entropy - each.number("train_nats")) for each in (row, one))
    return {
        "same-values": {
            "values": row.number("values"),
            "kinds": kinds,
            "moved": len(row.figures["moved"]),
        },
        "symmetric": {
            "different": (kinds - 1) / (row.number("units") - 1),
            "symmetric": sum(rows[name].number("kinds_of_units") == 1 for name in SYMMETRIC),
        },
        "not-all": {"share": gain / random_gain if random_gain else math.inf},
        "biases": {"excess": excess if apart else math.inf},
    }


def figures(rows: Rows) -> Figures:
    """Draw the loss of each network, and the unigram entropy for comparison."""
    figure, (axes,) = panels(xlabel="step", ylabel="nats per token")
    for number, (name, label) in enumerate(NAMES.items()):
        by_step(axes, smoothed(rows[name].curves["loss"]), "--" if number % 2 else "-", label=label)
    level(axes, rows[FLOOR].number("train_entropy"), "unigram entropy")
    return [figure]
