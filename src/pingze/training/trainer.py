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
    """Totals of a step over all processes."""

    loss: float
    """Sum of -ln p over the targets."""
    tokens: int
    """Number of targets."""
    norm: float
    """Norm of the mean gradient."""


class Trainer:
    """A model in training, with its texts and optimizer.

    `start` is the model from which the weights were copied, or None if they are new or restored.
    `reward` is that model's reward (`Checkpoint.reward`), or None if it has none. Training does not
    change it.

    Args:
        resumed: The vocabulary of the run whose state will be restored; None if the run is new.

    Raises InputError if the texts have too few characters or the run cannot start from the
    configured model, CheckpointError if that model cannot be read.
    """

    def __init__(self, preset: Preset, texts: Texts, *, resumed: Vocabulary | None = None) -> None:
        # Many of Adam's moments are denormals, which are slow. PyTorch's threads inherit the flag
        # when they start.
        torch.set_flush_denormal(True)
        keep_freed_memory()
        training = preset.training
        self.configuration = training
        self.processes = launch()
        # 1) build the vocabulary; a resumed run needs only the vocabulary of the model that it
        # started from, because its state will be restored
        self.start = None
        start_vocabulary = None
        if training.start_from and resumed is not None:
            start_vocabulary = resumed
        elif training.start_from:
            self.start = checkpoint.load(training.start_from)
            start_vocabulary = self.start.vocabulary
        self.vocabulary = make_vocabulary(texts, preset, start_vocabulary)
        self.conditions = Conditions(self.vocabulary)
        model_configuration = replace(
            preset.model,
            vocabulary_size=len(self.vocabulary),
            special_tokens=self.vocabulary.condition_tokens,
        )
        self.preset = replace(preset, model=model_configuration)
        # 2) encode the texts
        self.train_examples = self._encode(texts.train)
        self.others = texts.others
        self.dev_sequences = [sequence(example) for example in self._encode(texts.dev)]
        self.themes = Themes((example.text for example in self.train_examples), self.vocabulary)
        # 3) count the steps
        self.other_poems = {}  # the number of poems of each further source in an epoch
        for source, share in training.shares.items():
            self.other_poems[source] = round(share * len(texts.train))
        poems = len(texts.train) + sum(self.other_poems.values())
        self.steps_per_epoch = math.ceil(poems / training.batch_size)
        self.total_steps = self._steps(training.epochs)
        self._epoch = lru_cache(maxsize=1)(self._order)
        # 4) initialize; all processes use the first one's weights, since orthogonal matrices may
        # round differently
        device = self.processes.device
        self.model = LanguageModel(
            model_configuration,
            dropout=training.dropped,
            operands=operand_type(training.precision, device),
        )
        rng = np.random.default_rng(training.seed)
        self.model.initialize(training.initialization, rng, training.initialization_scale)
        self.model.load_state_dict(self.processes.broadcast(self.model.state_dict()))
        self.model.to(device)
        # Dropout's generator is seeded directly: torch.manual_seed seeds every kind of device,
        # which takes 0.4 ms.
        self._random = torch.default_generator
        if device.type == "cuda":
            self._random = torch.cuda.default_generators[device.index]
        # 5) build the optimizer and the average, and perhaps start from another model
        self.optimizer = make_optimizer(self.model.parameters(), training)
        self.average = Average(self.model, training.averaging)
        self.reward = None
        if self.start is not None:
            start_from(self.start, self.model, self.optimizer, self.average, self.vocabulary)
            self.reward = grown_reward(self.start, model_configuration.hidden_size)

    def _steps(self, epochs: float) -> int:
        """Convert a number of epochs to steps."""
        return max(1, round(self.steps_per_epoch * epochs))

    def _encode(self, texts: Sequence[Text]) -> list[Example]:
        return examples(texts, self.vocabulary, self.configuration.length)

    def rate(self, step: int) -> float:
        """Compute the learning rate of a step, given its number from 0."""
        falling = None
        if self.configuration.decay_epochs is not None:
            falling = self._steps(self.configuration.decay_epochs)
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
        batch = self._batch(number)
        device = self.processes.device
        loss = torch.zeros((), device=device)
        # The batch has `parts` parts: part k has every `parts`-th poem from poem k. Of these parts,
        # a process has every `count`-th from its rank.
        parts = self.processes.count * self.configuration.accumulate
        for part in range(self.processes.rank, parts, self.processes.count):
            sequences = batch[part::parts]
            if not sequences:  # an epoch's last batch may have fewer poems than parts
                continue
            # seeded by the part, so that dropout does not depend on the number of processes
            rng = np.random.default_rng([self.configuration.seed, number, part])
            self._random.manual_seed(int(rng.integers(2**63)))
            packed = pack(sequences)
            part_loss = self.loss_sum(
                torch.from_numpy(packed.inputs).to(device),
                torch.from_numpy(packed.targets).to(device),
                torch.from_numpy(packed.sizes),
            )
            part_loss.backward()
            loss += part_loss.detach()
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
        tokens = sum(predicted_tokens(ids) for ids in batch)
        norm = clip(self.optimizer, tokens, self.configuration)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise self._not_finite(number, float(loss), tokens)
        self.optimizer.step()
        self.average.update()
        return Taken(loss=float(loss), tokens=tokens, norm=float(norm))

    def _not_finite(self, number: int, loss: float, tokens: int) -> TrainingError:
        """Build the error for a step whose loss or gradient is not finite.

        The error names the weights with the largest gradient.
        """
        largest = {}  # the largest mean gradient of each tensor of weights, by the tensor's name
        for name, parameter in self.model.named_parameters():
            if parameter.grad is not None:
                largest[name] = float(parameter.grad.abs().max()) / tokens
        # NaN counts as the largest; `max` alone could not find it, as NaN compares with nothing
        worst = max(largest, key=lambda name: (math.isnan(largest[name]), largest[name]))
        return TrainingError(
            "train_not_finite",
            step=number + 1,
            loss=loss / tokens,
            name=worst,
            largest=largest[worst],
        )

    def evaluate(self) -> Figures:
        """Measure the averaged model on dev, in the first process for all processes."""
        figures = None
        if self.processes.is_first:
            with self.average.in_place():
                figures = evaluate_sequences(self.model, self.dev_sequences, self.vocabulary)
        return self.processes.broadcast(figures)  # type: ignore[return-value]

    def _batch(self, number: int) -> list[Ids]:
        """Draw the sequences of a step, longest first so that the parts have about equal sizes."""
        training = self.configuration
        epoch, index = divmod(number, self.steps_per_epoch)
        rng = np.random.default_rng([training.seed, epoch, index])
        first = index * training.batch_size
        sequences = []
        # A resumed run must draw the same, so the order of the draws from `rng` matters.
        for example in self._epoch(epoch)[first : first + training.batch_size]:
            if rng.random() < training.theme_share:
                about = self.conditions.theme(self.themes.draw(example.text, rng))
                example = example._replace(prefix=example.prefix._replace(about=about))
            sequences.append(draw(example, training.condition_dropout, rng))
        return sorted(sequences, key=len, reverse=True)

    def _order(self, epoch: int) -> list[Example]:
        """List an epoch's poems in an order that depends only on the seed and the epoch.

        A run can therefore resume.
        """
        seed = self.configuration.seed
        poems = list(self.train_examples)
        # Each source has one order, drawn for epoch 0, of which each epoch takes the next `count`
        # poems. `resize` repeats the order as often as needed, so that the first poem follows the
        # last.
        for source, count in self.other_poems.items():
            of_source = self.others[source]
            begin = epoch * count
            source_order = epoch_order(len(of_source), seed, epoch=0)
            repeated = np.resize(source_order, begin + count)
            poems_of_epoch = [of_source[k] for k in repeated[begin:]]
            poems.extend(self._encode(poems_of_epoch))
        return [poems[k] for k in epoch_order(len(poems), seed, epoch)]

    def loss_sum(self, inputs: Tensor, targets: Tensor, sizes: Tensor) -> Tensor:
        """Compute the sum of the losses over the targets of a packed batch.

        A step minimizes the mean loss. An experiment may replace this method.
        """
        return self.model.loss_sum(inputs, targets, sizes)
