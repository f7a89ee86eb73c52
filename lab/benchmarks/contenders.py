"""Define the contenders that `engine.py` compares, each in its own process.

All start from the same weights, get the same batches, use no dropout, and clip the global norm at
1:

- `ours`: this engine, as `pingze train` runs it (`ours float32`: the same with float32 operands);
- `float32 user`: `torch.nn.LSTM` + `Linear` + `cross_entropy` + Adam over padded batches, as a user
    writes it;
- `bf16 user`: the same with bfloat16 autocast and fused AdamW, the fastest that a user could write.
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
    """A contender's functions to time on a batch: the step, the layer, the head."""

    step: Callable[[Sequence[Ids]], float]
    """Take a training step, and return the loss in nats per token."""
    layer: Callable[[Sequence[Ids]], None]
    head: Callable[[Sequence[Ids]], None]


def contender(name: str, model: ModelConfiguration) -> Part:
    """Make the contender with one of the `NAMES`, at the sizes of a model."""
    if name.startswith("ours"):
        return _ours(model, "float32" if name.endswith("float32") else "bf16")
    return _user(model, autocast=name.startswith("bf16"))


def _ours(model: ModelConfiguration, precision: str) -> Part:
    trainer = Fed(model, precision)

    def layer(sequences: Sequence[Ids]) -> None:
        batch = pack(sequences)
        trainer.model.zero_grad()
        hidden = trainer.model(torch.from_numpy(batch.inputs), torch.from_numpy(batch.sizes))
        hidden.sum().backward()

    def head(sequences: Sequence[Ids]) -> None:
        targets = torch.from_numpy(pack(sequences).targets)
        hidden = _hidden(len(targets), model.hidden_size)
        trainer.model.zero_grad()
        output = trainer.model.output
        loss = cross_entropy_sum(
            hidden, output.weight, output.bias, targets, trainer.model.operands
        )
        loss.backward()

    return Part(step=trainer.step_on, layer=layer, head=head)


class Fed(Trainer):
    """The engine's trainer, changed to train on the batches that it is given."""

    def __init__(self, model: ModelConfiguration, precision: str) -> None:
        characters = "".join(chr(0x4E00 + k) for k in range(model.vocabulary_size - 4))
        training = TrainingConfiguration(length=len(characters), clip_norm=1.0, precision=precision)
        super().__init__(Preset(model, training), Texts([characters], []))
        self.fed: Sequence[Ids] = []

    def step_on(self, sequences: Sequence[Ids]) -> float:
        """Take a step on a batch, and return its loss in nats per token."""
        self.fed = sequences
        taken = self.step(0, RATE)
        return taken.loss / taken.tokens

    def _batch(self, number: int) -> list[Ids]:
        return sorted(self.fed, key=len, reverse=True)


class Stock(nn.Module):
    """The same model built from PyTorch's modules, for padded batches."""

    def __init__(self, model: ModelConfiguration) -> None:
        super().__init__()
        self.embedding = nn.Embedding(model.vocabulary_size, model.embedding_size)
        self.lstm = nn.LSTM(model.embedding_size, model.hidden_size, model.layers)
        self.output = nn.Linear(model.hidden_size, model.vocabulary_size)
        ours = LanguageModel(model)
        ours.initialize("orthogonal", np.random.default_rng(TrainingConfiguration().seed))
        weights = ours.state_dict()
        for depth in range(model.layers):
            for stock, own in (
                ("weight_ih", "weight_ih"),
                ("weight_hh", "weight_hh"),
                ("bias_ih", "bias"),
            ):
                weights[f"lstm.{stock}_l{depth}"] = weights.pop(f"lstm.{depth}.{own}")
            weights[f"lstm.bias_hh_l{depth}"] = torch.zeros(4 * model.hidden_size)
        self.load_state_dict(weights)
        # if both biases learned, their sum would learn at twice the rate
        for depth in range(model.layers):
            self.lstm.get_parameter(f"bias_hh_l{depth}").requires_grad_(False)

    def loss(
        self, hidden: Float[Tensor, "T B H"], targets: Int64[Tensor, "T B"]
    ) -> Float[Tensor, ""]:
        """Return the mean -ln p over the targets, padding excluded."""
        logits = self.output(hidden).flatten(0, 1)
        return nn.functional.cross_entropy(logits, targets.flatten(), ignore_index=PADDING)


def _user(model: ModelConfiguration, *, autocast: bool) -> Part:
    # AdamW without decay takes Adam's step, in one fused kernel
    stock = Stock(model)
    optimizer: torch.optim.Optimizer = torch.optim.Adam(stock.parameters(), RATE)
    if autocast:
        optimizer = torch.optim.AdamW(stock.parameters(), RATE, weight_decay=0, fused=True)
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
        steps, texts = targets.shape
        hidden = _hidden(steps, texts, model.hidden_size)
        stock.zero_grad()
        with context:
            loss = stock.loss(hidden, targets)
        loss.backward()

    return Part(step=step, layer=layer, head=head)


def _padded(sequences: Sequence[Ids]) -> Int64[Tensor, "T B"]:
    return nn.utils.rnn.pad_sequence(
        [torch.from_numpy(s) for s in sequences], padding_value=PADDING
    )


def _hidden(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)).requires_grad_()


def peak_bytes(part: Part, sequences: Sequence[Ids]) -> int:
    """Measure by how many bytes a step raises resident memory above what stays.

    Two steps on a single short poem allocate these first; the kernel records the peak.
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
    """Answer requests of `engine.py`, such as ("become", model) and ("step", batch)."""
    while True:
        question = connection.recv()
        if question is None:
            return
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
