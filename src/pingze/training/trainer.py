"""Train a model step by step, in any number of processes.

The batch of a step does not depend on the number of processes. The poems of the batch are sorted,
longest first, and dealt out into parts. Each process computes `accumulate` of these parts one by
one, and the gradients are summed over all processes. Dropout is determined by the seed, the step
and the part. The order of poems is determined by the seed and the epoch. A step therefore depends
only on its number and on the state before it.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pingze.errors import TrainingError
from pingze.lstm.matmul import operand_type
from pingze.machine import keep_freed_memory
from pingze.network import checkpoint
from pingze.network.batches import Ids, epoch_order, pack, predicted_tokens
from pingze.network.conditions import Conditions
from pingze.network.model import LanguageModel
from pingze.network.vocabulary import Vocabulary
from pingze.training.evaluation import Figures, evaluate_sequences
from pingze.training.grow import grown_reward, start_from
from pingze.training.optimization import Average, clip, make_optimizer, rate_factor
from pingze.training.presets import Preset
from pingze.training.processes import launch
from pingze.training.texts import (
    Example,
    Text,
    Texts,
    Themes,
    draw,
    examples,
    make_vocabulary,
    sequence,
)


class Taken(NamedTuple):
    """Totals of a step over all processes: sum of -ln p, number of targets, and norm of the mean gradient."""

    loss: float
    tokens: int
    norm: float


class Trainer:
    """A model in training, with its texts and optimizer.

    `start` is the model from which the weights were copied, or None if they are new or restored.
    `reward` is that model's reward (`Checkpoint.reward`), or None if it has none. Training leaves it
    as it is.

    Args:
        preset: The settings of the model and of its training.
        texts: The poems.
        resumed: The vocabulary of the run whose state will be restored; None if the run is new.

    Raises InputError if the texts have too few characters or the run cannot start from the
    configured model, CheckpointError if that model cannot be read.
    """

    def __init__(self, preset: Preset, texts: Texts, *, resumed: Vocabulary | None = None) -> None:
        # Many of Adam's moments are denormals, which are slow. PyTorch's threads inherit the flag
        # when they start.
        torch.set_flush_denormal(True)
        keep_freed_memory()
        self.configuration = training = preset.training
        self.processes = launch()
        # 1) encode the texts
        self.start = None
        known = resumed if training.start_from else None
        if training.start_from and known is None:
            self.start = checkpoint.load(training.start_from)
            known = self.start.vocabulary
        self.vocabulary = make_vocabulary(texts, preset, known)
        size, special = len(self.vocabulary), self.vocabulary.condition_tokens
        self.preset = replace(
            preset, model=replace(preset.model, vocabulary_size=size, special_tokens=special)
        )
        self.conditions = Conditions(self.vocabulary)
        self.train_examples, self.others = self._encode(texts.train), texts.others
        self.dev_sequences = [sequence(example) for example in self._encode(texts.dev)]
        self.themes = Themes((example.text for example in self.train_examples), self.vocabulary)
        # 2) count the steps
        count = len(texts.train)
        self.other_poems = {
            source: round(share * count) for source, share in training.shares.items()
        }
        self.steps_per_epoch = -(-(count + sum(self.other_poems.values())) // training.batch_size)
        self.total_steps = self._steps(training.epochs)
        self._epoch = lru_cache(maxsize=1)(self._order)
        # 3) initialize; all processes use the first one's weights, since orthogonal matrices may
        # round differently
        device = self.processes.device
        operands = operand_type(training.precision, device)
        self.model = LanguageModel(self.preset.model, dropout=training.dropped, operands=operands)
        rng = np.random.default_rng(training.seed)
        self.model.initialize(training.initialization, rng, training.initialization_scale)
        self.model.load_state_dict(self.processes.broadcast(self.model.state_dict()))
        self.model.to(device)
        # Dropout's generator is seeded directly: torch.manual_seed seeds every kind of device,
        # which takes 0.4 ms.
        on_gpu = device.type == "cuda"
        self._random = (
            torch.cuda.default_generators[device.index] if on_gpu else torch.default_generator
        )
        # 4) build the optimizer and the average, and perhaps start from another model
        self.optimizer = make_optimizer(self.model.parameters(), training)
        self.average = Average(self.model, training.averaging)
        self.reward = None
        if self.start is not None:
            start_from(self.start, self.model, self.optimizer, self.average, self.vocabulary)
            self.reward = grown_reward(self.start, self.preset.model.hidden_size)

    def _steps(self, epochs: float) -> int:
        return max(1, round(self.steps_per_epoch * epochs))

    def _encode(self, texts: Sequence[Text]) -> list[Example]:
        return examples(texts, self.vocabulary, self.configuration.length)

    def rate(self, step: int) -> float:
        """Compute the learning rate of a step, given its number from 0."""
        epochs = self.configuration.decay_epochs
        falling = None if epochs is None else self._steps(epochs)
        factor = rate_factor(step, self.total_steps, self.configuration, falling)
        return self.configuration.learning_rate * factor

    def step(self, number: int, rate: float) -> Taken:
        """Train on the batch of step `number`, counted from 0, at the learning rate `rate`.

        Raises TrainingError and leaves the weights unchanged if the loss or the gradient is not
        finite.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        # 1) sum loss and gradients over this process's parts of the batch
        batch, loss = self._batch(number), torch.zeros((), device=self.processes.device)
        parts = self.processes.count * self.configuration.accumulate
        for part in range(self.processes.rank, parts, self.processes.count):
            if batch[part::parts]:  # an epoch's last batch may have fewer poems than parts
                seed = np.random.default_rng([self.configuration.seed, number, part]).integers(
                    2**63
                )
                self._random.manual_seed(int(seed))
                inputs, targets, sizes = map(torch.from_numpy, pack(batch[part::parts]))
                of_part = self.loss_sum(inputs.to(loss.device), targets.to(loss.device), sizes)
                of_part.backward()
                loss += of_part.detach()
        # 2) sum both over all processes, in the order of the parameters; DistributedDataParallel is
        #    not used, because its buckets change after its first step, so that a resumed run would
        #    round differently
        if self.processes.count > 1:
            self.processes.sum(loss)
            for parameter in self.model.parameters():
                if parameter.grad is None:  # this process had no part of the batch
                    parameter.grad = torch.zeros_like(parameter)
                self.processes.sum(parameter.grad)
        # 3) update the weights with the clipped mean gradient
        tokens = sum(map(predicted_tokens, batch))
        norm = clip(self.optimizer, tokens, self.configuration)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            gradients = {n: p.grad for n, p in self.model.named_parameters() if p.grad is not None}
            largest = {
                name: float(gradient.abs().max()) / tokens for name, gradient in gradients.items()
            }
            worst = max(largest, key=lambda name: (math.isnan(largest[name]), largest[name]))
            nats = float(loss) / tokens
            raise TrainingError(
                "train_not_finite", step=number + 1, loss=nats, name=worst, largest=largest[worst]
            )
        self.optimizer.step()
        self.average.update()
        return Taken(float(loss), tokens, float(norm))

    def evaluate(self) -> Figures:
        """Measure the averaged model on dev in the first process, and return the same figures in all processes."""
        figures = None
        if self.processes.is_first:
            with self.average.in_place():
                figures = evaluate_sequences(self.model, self.dev_sequences, self.vocabulary)
        return self.processes.broadcast(figures)  # type: ignore[return-value]

    def _batch(self, number: int) -> list[Ids]:
        """Draw the sequences of a step, sorted longest first so that the parts have about equal sizes."""
        seed, size = self.configuration.seed, self.configuration.batch_size
        epoch, index = divmod(number, self.steps_per_epoch)
        rng = np.random.default_rng([seed, epoch, index])
        sequences = []
        for poem in self._epoch(epoch)[index * size : (index + 1) * size]:
            if rng.random() < self.configuration.theme_share:
                about = self.conditions.theme(self.themes.draw(poem.text, rng))
                poem = poem._replace(prefix=poem.prefix._replace(about=about))
            sequences.append(draw(poem, self.configuration.condition_dropout, rng))
        return sorted(sequences, key=len, reverse=True)

    def _order(self, epoch: int) -> list[Example]:
        """List an epoch's poems in an order that depends only on the seed and the epoch, so that a run can resume."""
        seed, poems = self.configuration.seed, list(self.train_examples)
        for source, count in self.other_poems.items():
            others = self.others[source]
            order = np.resize(epoch_order(len(others), seed, epoch=0), (epoch + 1) * count)
            poems += self._encode([others[k] for k in order[epoch * count :]])
        return [poems[k] for k in epoch_order(len(poems), seed, epoch)]

    def loss_sum(self, inputs: Tensor, targets: Tensor, sizes: Tensor) -> Tensor:
        """Compute the sum of the losses over the targets of a packed batch.

        A step minimizes the mean loss.
        """
        return self.model.loss_sum(inputs, targets, sizes)
