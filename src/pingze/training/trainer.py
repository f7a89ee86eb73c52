"""Steps of training: a preset and texts come in, a model comes out that each step changes, on any number of processes.

A step is forward, backward, clipping, optimizer. Its batch is the same however many processes there are: longest poem
first, it is dealt into processes × `accumulate` parts, each process takes every part that falls to it, one after the
other, and gradients are summed over all of them. What is dropped is fixed by the seed, the step and the part, as the
order of the poems is by the seed and the epoch: a step depends on nothing but its number and the state before it.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from pingze.batches import Ids, encode_sequence, epoch_order, pack
from pingze.errors import InputError, TrainingError
from pingze.model import LanguageModel
from pingze.training.configuration import Preset
from pingze.training.evaluation import Figures, evaluate_sequences
from pingze.training.optimizers import make_optimizer, prepare
from pingze.vocabulary import Vocabulary


class Taken(NamedTuple):
    """What a step showed, over all processes."""

    loss: float
    """Sum of -ln p over its targets, in nats."""
    tokens: int
    """How many those were."""
    norm: float
    """Of the mean's gradient, before clipping."""


class Trainer:
    """A model, its optimizer and the encoded texts, on this process's device.

    Raises InputError when the texts have fewer tokens than the preset's vocabulary.
    """

    def __init__(self, preset: Preset, train: Sequence[str], dev: Sequence[str]) -> None:
        # Before torch's threads start, which take it over: Adam's moments are full of denormals, and those are slow.
        torch.set_flush_denormal(True)
        self.preset, self.configuration = preset, preset.training
        self.fabric = launch()
        self.vocabulary = Vocabulary.of_texts(
            (text[: self.configuration.length] for text in train), preset.model.vocabulary_size
        )
        if len(self.vocabulary) < preset.model.vocabulary_size:
            raise InputError(
                f"vocabulary_size is {preset.model.vocabulary_size}, but the texts have only "
                f"{len(self.vocabulary)} tokens; set vocabulary_size={len(self.vocabulary)}"
            )
        self.train_sequences, self.dev_sequences = self._encode(train), self._encode(dev)
        self.steps_per_epoch = -(-len(train) // self.configuration.batch_size)
        self.total_steps = self.steps_per_epoch * self.configuration.epochs
        self._order = lru_cache(maxsize=1)(
            lambda epoch: epoch_order(len(train), self.configuration.seed, epoch)
        )
        self.model = LanguageModel(
            preset.model,
            dropout=self.configuration.dropout,
            operands=torch.bfloat16 if self.configuration.precision == "bf16" else None,
        )
        self.model.initialize(
            self.configuration.initialization,
            np.random.default_rng(self.configuration.seed),
            self.configuration.initialization_scale,
        )
        # An orthogonal matrix may differ in its last bits between processors; all start from the first process's.
        self.model.load_state_dict(self.fabric.broadcast(self.model.state_dict()))
        device = self.fabric.device
        self.model.to(device)
        # The generator that dropout draws from; torch.manual_seed seeds every kind of device, and takes 0.4 ms.
        on_gpu = device.type == "cuda"
        self._random = torch.cuda.default_generators[device.index] if on_gpu else torch.default_generator
        self.optimizer = make_optimizer(self.model.parameters(), self.configuration)

    def _encode(self, texts: Sequence[str]) -> list[Ids]:
        return [encode_sequence(text, self.vocabulary, self.configuration.length) for text in texts]

    def step(self, number: int, rate: float) -> Taken:
        """Take step `number`, from 0, at a learning rate.

        Raises TrainingError when the loss or the gradient is no longer finite; the weights stay as they were.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        batch = self._batch(number)
        loss = torch.zeros((), device=self.fabric.device)
        parts = self.fabric.world_size * self.configuration.accumulate
        for part in range(self.fabric.global_rank, parts, self.fabric.world_size):
            if batch[part::parts]:  # the last batch of an epoch may be smaller than the number of parts
                seed = np.random.default_rng([self.configuration.seed, number, part]).integers(2**63)
                self._random.manual_seed(int(seed))
                loss += self._loss_and_gradients(batch[part::parts])
        self._sum_over_processes(loss)
        tokens = sum(len(sequence) - 1 for sequence in batch)
        norm = prepare(self.optimizer, tokens, self.configuration)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise TrainingError(self._not_finite(number, float(loss), tokens))
        self.optimizer.step()
        return Taken(float(loss), tokens, float(norm))

    def evaluate(self) -> Figures:
        """The model's figures on dev, measured by the first process, so that all decide alike."""
        figures = None
        if self.fabric.is_global_zero:
            figures = evaluate_sequences(self.model, self.dev_sequences, self.vocabulary)
        return self.fabric.broadcast(figures)  # type: ignore[return-value]

    def _batch(self, number: int) -> list[Ids]:
        """The sequences of a step, longest first, so that its parts are of like size."""
        epoch, index = divmod(number, self.steps_per_epoch)
        size = self.configuration.batch_size
        sequences = [self.train_sequences[k] for k in self._order(epoch)[index * size : (index + 1) * size]]
        return sorted(sequences, key=len, reverse=True)

    def _loss_and_gradients(self, sequences: list[Ids]) -> Tensor:
        """The summed loss of one part; its gradients are added to what is there."""
        inputs, targets, sizes = map(torch.from_numpy, pack(sequences))
        device = self.fabric.device
        loss = self.model.loss_sum(inputs.to(device), targets.to(device), sizes)
        loss.backward()
        return loss.detach()

    def _sum_over_processes(self, loss: Tensor) -> None:
        """Sum loss and gradients in place.

        In the parameters' own order: the buckets of DistributedDataParallel change after its first step, so that a
        resumed run would round differently.
        """
        if self.fabric.world_size > 1:
            self.fabric.all_reduce(loss, reduce_op="sum")
            for parameter in self.model.parameters():
                if parameter.grad is None:  # nothing of this batch fell to this process
                    parameter.grad = torch.zeros_like(parameter)
                self.fabric.all_reduce(parameter.grad, reduce_op="sum")

    def _not_finite(self, number: int, loss: float, tokens: int) -> str:
        largest = {
            name: float(p.grad.abs().max()) / tokens
            for name, p in self.model.named_parameters()
            if p.grad is not None
        }
        worst = max(largest, key=lambda name: (largest[name] != largest[name], largest[name]))
        return (
            f"step {number + 1}: the loss is {loss / tokens} and the largest gradient, of {worst}, is "
            f"{largest[worst]}: try a lower learning_rate or clip_norm"
        )


def launch() -> Fabric:
    """The device of this process, and its place among those that `torchrun` started, or alone.

    A GPU where there is one, else the CPU: Apple's GPUs lack the float64 of the evaluation.
    """
    processes, here = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    fabric = Fabric(
        accelerator="cuda" if torch.cuda.is_available() else "cpu",
        strategy="ddp" if processes > 1 else "auto",
        devices=here,
        num_nodes=processes // here,
    )
    fabric.launch()
    return fabric
