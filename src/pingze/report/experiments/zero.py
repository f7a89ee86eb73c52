"""Zero initialization: what stays equal to the bit, and what each network can still learn."""

import math
from collections.abc import Callable

import numpy as np

from pingze.network.model import LanguageModel
from pingze.network.vocabulary import UNK
from pingze.report.charts import Chart, Line, smoothed
from pingze.report.claims import plan
from pingze.report.diagnostics import compare_units
from pingze.report.experiment import Experiment, Judged, Measured, Row, Rows, Trial
from pingze.report.setup import Setting, Setup
from pingze.report.training import Course, train

FLOOR = "unigram"
ZERO: dict[str, Setting] = {"initialization": "zero"}
BIAS_ALONE: dict[str, Setting] = {"learning_rate": 0.02, "decay": True}
"""Of networks of which little more than the output's bias learns: it has up to eight nats to travel."""
NAMES = {
    "all": "all parameters zero",
    "embedding": "random embedding, all else zero",
    "equal": "random embedding and output, the same for all units; LSTM zero",
    "equal-dropout": "the same, with dropout",
    "output": "random embedding and output; LSTM zero",
    "biases": "Xavier, biases zero",
    "forget": "Xavier, forget bias 1",
}
SYMMETRIC = ("all", "embedding", "equal", "equal-dropout", "output")


def trials(setup: Setup) -> list[Trial]:
    """Seven networks, and the floor of those that learn single characters' shares only."""
    few, epoch = (setup.steps(plan("zero")[name]) for name in ("steps", "bias_steps"))
    settings: dict[str, dict[str, Setting]] = {
        FLOOR: {},
        "all": ZERO | BIAS_ALONE,
        "embedding": ZERO | BIAS_ALONE,
        "equal": ZERO | {"precision": "float32"},
        "equal-dropout": ZERO | {"precision": "float32", "dropout": 0.3},
        "output": ZERO,
        "biases": {"initialization": "xavier"},
        "forget": {"initialization": "xavier"},
    }
    return [
        Trial(name, each, 0 if name == FLOOR else few if name in SYMMETRIC else epoch)
        for name, each in settings.items()
    ]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Train one of the networks; see how many of its units differ, and which parameters have moved."""
    if trial.name == FLOOR:
        return _unigram(setup)
    first: dict[str, np.ndarray] = {}

    def start(model: LanguageModel) -> None:
        STARTS[trial.name](model)
        first.update({name: tensor.copy() for name, tensor in model.tensors().items()})

    course = train(setup, trial.settings, trial.steps, start=start)
    model = course.trainer.model
    moved = [name for name, tensor in model.tensors().items() if not np.array_equal(tensor, first[name])]
    units = compare_units(model)
    return course.measured(
        units=model.configuration.hidden_size,
        kinds_of_units=units.kinds,
        units_apart=units.apart,
        values=_values(model),
        moved=moved,
        train_nats=_train_nats(setup, course),
    )


def _values(model: LanguageModel) -> int:
    """How many different numbers stand in the weight matrices."""
    matrices = [tensor.ravel() for tensor in model.tensors().values() if tensor.ndim == 2]
    return len(np.unique(np.concatenate(matrices)))


def _train_nats(setup: Setup, course: Course) -> float:
    texts = [example.text for example in course.trainer.train_examples]
    return course.trainer.nats(texts[: setup.budget.dev])


def _unigram(setup: Setup) -> Measured:
    """The least that a model can reach which gives each character the same probability everywhere."""
    course = train(setup, {}, 0)
    targets = [
        np.concatenate([sequence[1:] for sequence in sequences])
        for sequences in (
            [example.text for example in course.trainer.train_examples],
            course.trainer.dev_sequences,
        )
    ]
    counts = np.bincount(targets[0], minlength=setup.vocabulary_size)
    shares = counts[counts > 0] / counts.sum()
    p = (counts + 1) / (counts + 1).sum()
    return Measured(
        {
            "train_entropy": float(-(shares * np.log(shares)).sum()),
            "dev_nats": float(-np.log(p[targets[1]]).mean()),
            "ln_vocabulary": float(np.log(setup.vocabulary_size)),
            "unknown_rate": float((targets[1] == UNK).mean()),
        }
    )


def _nothing(model: LanguageModel) -> None:
    """Leave the weights as `initialize` made them."""


def _all_zero(model: LanguageModel) -> None:
    for parameter in model.parameters():
        parameter.zero_()


def _output_zero(model: LanguageModel) -> None:
    model.output.weight.zero_()


def _units_equal(model: LanguageModel) -> None:
    model.output.weight.copy_(model.output.weight[:, :1].clone().expand_as(model.output.weight))


def _forget_bias(model: LanguageModel) -> None:
    H = model.configuration.hidden_size
    for layer in model.lstm.layers:
        layer.bias[H : 2 * H] = 1


STARTS: dict[str, Callable[[LanguageModel], None]] = {
    "all": _all_zero,
    "embedding": _output_zero,
    "equal": _units_equal,
    "equal-dropout": _units_equal,
    "output": _nothing,
    "biases": _nothing,
    "forget": _forget_bias,
}


def _symmetric(row: Row) -> bool:
    return row.number("kinds_of_units") == 1


def _same_values(rows: Rows) -> Judged:
    row, floor = rows["all"], rows[FLOOR]
    moved = row.figures["moved"]
    sentence = (
        f"After training, the {row.figures['units']} hidden units are of {row.figures['kinds_of_units']} "
        f"kind to the bit. What moved: {', '.join(moved) or 'nothing'}. The gradient of the other weights "
        "is 0, for the hidden states are; so the network learns the characters' shares and no more: "
        f"{row.number('train_nats'):.3f} nats per token on training poems, where the entropy of single "
        f"characters is {floor.number('train_entropy'):.3f}."
    )
    numbers = {"values": row.number("values"), "kinds": row.number("kinds_of_units")}
    return Judged(numbers, sentence, [row, floor])


def _stay_symmetric(rows: Rows) -> Judged:
    found = [rows[name] for name in SYMMETRIC]
    kinds = "; ".join(
        f"{NAMES[name]}: {rows[name].figures['kinds_of_units']} (at most "
        f"{rows[name].number('units_apart'):.2g} apart)"
        for name in SYMMETRIC
    )
    sentence = (
        f"Kinds among the {found[0].figures['units']} units after training, to the bit, by how the "
        f"network starts: {kinds}. Units stay one where nothing tells them apart; a random output does, a "
        "random mask of dropout does, and where the gradient is not 0 the rounding of a matrix product "
        "may."
    )
    return Judged({"symmetric": sum(map(_symmetric, found))}, sentence, found)


def _zero_biases(rows: Rows) -> Judged:
    zero, one = rows["biases"], rows["forget"]
    excess = zero.number("dev_nats") / one.number("dev_nats") - 1
    apart = zero.figures["kinds_of_units"] == zero.figures["units"]
    sentence = (
        f"With zero biases the {zero.figures['units']} units are of {zero.figures['kinds_of_units']} "
        f"kinds, and dev ends at {zero.number('dev_nats'):.3f} nats per token; with a forget bias of 1, "
        f"all else equal, at {one.number('dev_nats'):.3f} ({excess:+.1%})."
    )
    return Judged({"excess": 100 * excess if apart else math.inf}, sentence, [zero, one])


def charts(rows: Rows) -> list[Chart]:
    """The loss of the zero-started networks against the floor."""
    lines = [
        Line(
            NAMES[name],
            range(1, len(rows[name].curves["loss"]) + 1),
            smoothed(rows[name].curves["loss"]),
            n,
            n % 2,
        )
        for n, name in enumerate(NAMES)
    ]
    return [
        Chart(
            "What each network learns",
            "Training loss, mean of sixteen steps. The dotted level is the entropy of single characters: "
            "the floor of a model that learns only its output's bias.",
            "step",
            "nats per token",
            lines,
            marks=[(rows[FLOOR].number("train_entropy"), "unigram entropy")],
        )
    ]


EXPERIMENT = Experiment(
    name="zero",
    title="Zero initialization",
    about=(
        "The report's network is trained from weights of which all, all but the embedding, or the LSTM's "
        "are zero; in two more the output has random weights that are the same for every hidden unit. "
        "Afterwards units are compared bit by bit: two are the same where all weights that are theirs "
        "alone are. Two last networks have Xavier weights, with zero biases and with a forget bias of 1."
    ),
    trials=trials,
    measure=measure,
    judges={"same-values": _same_values, "symmetric": _stay_symmetric, "biases": _zero_biases},
    charts=charts,
)
