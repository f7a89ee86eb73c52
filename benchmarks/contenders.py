"""The three that train the report's model side by side in `engine.py`, each in a process of its own.

All have the same first weights, the same batches, no dropout, and clip the global norm at 1:

- `ours`: this engine, as `pingze train` runs it (`ours float32`: with float32 operands);
- `float32 user`: `torch.nn.LSTM` + `Linear` + `cross_entropy` + Adam over padded batches, as a user writes it;
- `bf16 user`: the same under bfloat16 autocast with fused AdamW, the best that they could write.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from pingze.lstm.loss import cross_entropy_sum
from pingze.network.batches import Ids, pack
from pingze.network.configuration import ModelConfiguration
from pingze.network.model import LanguageModel
from pingze.training.presets import Preset, TrainingConfiguration
from pingze.training.texts import Texts
from pingze.training.trainer import Trainer

RATE = 2e-3
PADDING = 0
NAMES = ("ours", "ours float32", "float32 user", "bf16 user")


class Part(NamedTuple):
    """What is timed on a batch: the whole step, or the layer or the head alone, forward and backward."""

    step: Callable[[Sequence[Ids]], float]
    """Returns the loss in nats per token."""
    layer: Callable[[Sequence[Ids]], None]
    head: Callable[[Sequence[Ids]], None]


def contender(name: str, model: ModelConfiguration) -> Part:
    """One of `NAMES`, at these sizes."""
    if name.startswith("ours"):
        return _ours(model, "float32" if name.endswith("float32") else "bf16")
    return _user(model, autocast=name.startswith("bf16"))


def _ours(model: ModelConfiguration, precision: str) -> Part:
    trainer = Fed(model, precision)

    def layer(sequences: Sequence[Ids]) -> None:
        inputs, _, sizes = map(torch.from_numpy, pack(sequences))
        trainer.model.zero_grad()
        trainer.model(inputs, sizes).sum().backward()

    def head(sequences: Sequence[Ids]) -> None:
        targets = torch.from_numpy(pack(sequences).targets)
        hidden = _hidden(len(targets), model.hidden_size)
        trainer.model.zero_grad()
        output = trainer.model.output
        cross_entropy_sum(hidden, output.weight, output.bias, targets, trainer.model.operands).backward()

    return Part(trainer.step_on, layer, head)


class Fed(Trainer):
    """The engine's trainer, which takes the batches that it is given."""

    def __init__(self, model: ModelConfiguration, precision: str) -> None:
        characters = "".join(chr(0x4E00 + k) for k in range(model.vocabulary_size - 4))
        training = TrainingConfiguration(length=len(characters), clip_norm=1.0, precision=precision)
        super().__init__(Preset(model, training), Texts([characters], []))
        self.fed: Sequence[Ids] = []

    def step_on(self, sequences: Sequence[Ids]) -> float:
        """A step on these; returns their loss."""
        self.fed = sequences
        taken = self.step(0, RATE)
        return taken.loss / taken.tokens

    def _batch(self, number: int) -> list[Ids]:
        return sorted(self.fed, key=len, reverse=True)


class Stock(nn.Module):
    """The same model from PyTorch's own parts, over padded batches."""

    def __init__(self, model: ModelConfiguration) -> None:
        super().__init__()
        self.embedding = nn.Embedding(model.vocabulary_size, model.embedding_size)
        self.lstm = nn.LSTM(model.embedding_size, model.hidden_size, model.layers)
        self.output = nn.Linear(model.hidden_size, model.vocabulary_size)
        ours = LanguageModel(model)
        ours.initialize("orthogonal", np.random.default_rng(TrainingConfiguration().seed))
        weights = ours.state_dict()
        for depth in range(model.layers):
            for stock, own in (("weight_ih", "weight_ih"), ("weight_hh", "weight_hh"), ("bias_ih", "bias")):
                weights[f"lstm.{stock}_l{depth}"] = weights.pop(f"lstm.{depth}.{own}")
            weights[f"lstm.bias_hh_l{depth}"] = torch.zeros(4 * model.hidden_size)
        self.load_state_dict(weights)
        for depth in range(model.layers):  # two biases that both learn would learn at twice the rate
            self.lstm.get_parameter(f"bias_hh_l{depth}").requires_grad_(False)

    def loss(self, hidden: Float[Tensor, "T B H"], targets: Int64[Tensor, "T B"]) -> Float[Tensor, ""]:
        """Mean -ln p over the targets but padding."""
        logits = self.output(hidden).flatten(0, 1)
        return nn.functional.cross_entropy(logits, targets.flatten(), ignore_index=PADDING)


def _user(model: ModelConfiguration, *, autocast: bool) -> Part:
    stock = Stock(model)
    optimizer = (
        torch.optim.AdamW(stock.parameters(), RATE, weight_decay=0, fused=True)
        if autocast
        else torch.optim.Adam(stock.parameters(), RATE)
    )
    context = torch.autocast("cpu", torch.bfloat16, enabled=autocast)

    def step(sequences: Sequence[Ids]) -> float:
        ids = _padded(sequences)
        optimizer.zero_grad()
        with context:
            hidden, _ = stock.lstm(stock.embedding(ids[:-1]))
            loss = stock.loss(hidden, ids[1:])
        loss.backward()
        nn.utils.clip_grad_norm_(stock.parameters(), 1.0)
        optimizer.step()
        return float(loss.detach())

    def layer(sequences: Sequence[Ids]) -> None:
        stock.zero_grad()
        with context:
            hidden, _ = stock.lstm(stock.embedding(_padded(sequences)[:-1]))
        hidden.sum().backward()

    def head(sequences: Sequence[Ids]) -> None:
        targets = _padded(sequences)[1:]
        hidden = _hidden(*targets.shape, model.hidden_size)
        stock.zero_grad()
        with context:
            loss = stock.loss(hidden, targets)
        loss.backward()

    return Part(step, layer, head)


def _padded(sequences: Sequence[Ids]) -> Int64[Tensor, "T B"]:
    return nn.utils.rnn.pad_sequence([torch.from_numpy(s) for s in sequences], padding_value=PADDING)


def _hidden(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)).requires_grad_()


def peak_bytes(part: Part, sequences: Sequence[Ids]) -> int:
    """How far a step's resident memory rises above parameters, gradients and optimizer.

    Those and the program's code are there after two steps on a single short poem; the kernel keeps the peak.
    """
    for _ in range(2):
        part.step([sequences[0][:2]])
    before = _resident("VmRSS")
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    part.step(sequences)
    return _resident("VmHWM") - before


def _resident(name: str) -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))


def serve(connection: Any, name: str) -> None:
    """Answer what `engine.py` asks: ("become", model), ("time", part, batch), ("step", batch) or ("peak", batch)."""
    while (question := connection.recv()) is not None:
        if question[0] == "become":
            part = contender(name, question[1])
            connection.send(None)
        elif question[0] == "time":
            started = time.perf_counter()
            getattr(part, question[1])(question[2])
            connection.send(time.perf_counter() - started)
        elif question[0] == "step":
            connection.send(part.step(question[1]))
        else:
            connection.send(peak_bytes(part, question[1]))
