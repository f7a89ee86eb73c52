"""One step of training, on any number of processes.

A step is forward, backward, clipping, optimizer. Its batch is the same however many processes there are: longest poem
first, it is dealt into processes × `accumulate` parts, each process takes every part that falls to it, one after the
other, and gradients are summed over all of them. What is dropped is fixed by the seed, the step and the part, as the
order of the poems is by the seed and the epoch: a step depends on nothing but its number and the state before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pingze.corpus import CorpusPoem
from pingze.errors import TrainingError
from pingze.lstm.matmul import operand_type
from pingze.lstm.memory import keep_freed_memory
from pingze.network.batches import Ids, epoch_order, pack, predicted_tokens
from pingze.network.conditions import Conditions
from pingze.network.model import LanguageModel
from pingze.training.averaging import Average
from pingze.training.configuration import Preset
from pingze.training.data import Example, Text, Texts, draw, examples, make_vocabulary, sequence
from pingze.training.evaluation import Figures, evaluate_sequences
from pingze.training.growth import start_from
from pingze.training.optimizers import make_optimizer, prepare
from pingze.training.processes import launch
from pingze.training.schedule import rate_factor
from pingze.training.themes import Themes


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

    def __init__(
        self,
        preset: Preset,
        train: Sequence[Text],
        dev: Sequence[Text],
        others: Mapping[str, Sequence[CorpusPoem]] = MappingProxyType({}),
        *,
        is_resumed: bool = False,
    ) -> None:
        # Before torch's threads start, which take it over: Adam's moments are full of denormals, and those are slow.
        torch.set_flush_denormal(True)
        keep_freed_memory()
        self.configuration, self.processes = preset.training, launch()
        self.vocabulary = make_vocabulary(Texts(train, dev, others), preset)
        model = replace(
            preset.model,
            special_tokens=self.vocabulary.condition_tokens,
            vocabulary_size=len(self.vocabulary),
        )
        self.preset = replace(preset, model=model)
        self.train_examples, self.others = self._encode(train), others
        self.conditions = Conditions(self.vocabulary)
        self.themes = Themes((example.text for example in self.train_examples), self.vocabulary)
        self.other_poems = {
            source: round(share * len(train)) for source, share in preset.training.shares.items()
        }
        self.dev_sequences = [sequence(example) for example in self._encode(dev)]
        poems = len(train) + sum(self.other_poems.values())
        self.steps_per_epoch = -(-poems // self.configuration.batch_size)
        self.total_steps = self._steps(self.configuration.epochs)
        self._epoch = lru_cache(maxsize=1)(self._order)
        self.model = LanguageModel(
            model,
            dropout=self.configuration.dropped,
            operands=operand_type(self.configuration.precision, self.processes.device),
        )
        self.model.initialize(
            self.configuration.initialization,
            np.random.default_rng(self.configuration.seed),
            self.configuration.initialization_scale,
        )
        # An orthogonal matrix may differ in its last bits between processors; all start from the first process's.
        self.model.load_state_dict(self.processes.broadcast(self.model.state_dict()))
        device = self.processes.device
        self.model.to(device)
        # The generator that dropout draws from; torch.manual_seed seeds every kind of device, and takes 0.4 ms.
        on_gpu = device.type == "cuda"
        self._random = torch.cuda.default_generators[device.index] if on_gpu else torch.default_generator
        self.optimizer = make_optimizer(self.model.parameters(), self.configuration)
        self.average = Average(self.model, self.configuration.averaging)
        if self.configuration.start_from and not is_resumed:
            start_from(
                self.configuration.start_from, self.model, self.optimizer, self.average, self.vocabulary
            )

    def _steps(self, epochs: float) -> int:
        return max(1, round(self.steps_per_epoch * epochs))

    def rate(self, step: int) -> float:
        """The learning rate of a step, from 0."""
        falling = self.configuration.decay_epochs
        legs = None if falling is None else self._steps(falling)
        return self.configuration.learning_rate * rate_factor(
            step, self.total_steps, self.configuration, legs
        )

    def _encode(self, texts: Sequence[Text]) -> list[Example]:
        return examples(texts, self.vocabulary, self.configuration.length)

    def step(self, number: int, rate: float) -> Taken:
        """Take step `number`, from 0, at a learning rate.

        Raises TrainingError when the loss or the gradient is no longer finite; the weights stay as they were.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        batch = self._batch(number)
        loss = torch.zeros((), device=self.processes.device)
        parts = self.processes.count * self.configuration.accumulate
        for part in range(self.processes.rank, parts, self.processes.count):
            if batch[part::parts]:  # the last batch of an epoch may be smaller than the number of parts
                seed = np.random.default_rng([self.configuration.seed, number, part]).integers(2**63)
                self._random.manual_seed(int(seed))
                loss += self._loss_and_gradients(batch[part::parts])
        self._sum_over_processes(loss)
        tokens = sum(map(predicted_tokens, batch))
        norm = prepare(self.optimizer, tokens, self.configuration)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise TrainingError(self._not_finite(number, float(loss), tokens))
        self.optimizer.step()
        self.average.update()
        return Taken(float(loss), tokens, float(norm))

    def evaluate(self) -> Figures:
        """The model's figures on dev, measured by the first process, so that all decide alike."""
        figures = None
        if self.processes.is_first:
            with self.average.in_place():
                figures = evaluate_sequences(self.model, self.dev_sequences, self.vocabulary)
        return self.processes.broadcast(figures)  # type: ignore[return-value]

    def _batch(self, number: int) -> list[Ids]:
        """The sequences of a step, longest first, so that its parts are of like size."""
        epoch, index = divmod(number, self.steps_per_epoch)
        size, rng = (
            self.configuration.batch_size,
            np.random.default_rng([self.configuration.seed, epoch, index]),
        )
        poems = self._epoch(epoch)[index * size : (index + 1) * size]
        sequences = [self._drawn(poem, rng) for poem in poems]
        return sorted(sequences, key=len, reverse=True)

    def _drawn(self, poem: Example, rng: np.random.Generator) -> Ids:
        """One reading of a poem: under some of its conditions, and now and then with its theme before it."""
        if rng.random() < self.configuration.theme_share:
            about = self.conditions.theme(self.themes.draw(poem.text, rng))
            poem = poem._replace(prefix=poem.prefix._replace(about=about))
        return draw(poem, self.configuration.condition_dropout, rng)

    def _order(self, epoch: int) -> list[Example]:
        """An epoch's poems in their order: a function of the seed and the epoch alone, so that a run can resume."""
        seed, poems = self.configuration.seed, list(self.train_examples)
        for source, count in self.other_poems.items():
            others = self.others[source]
            order = np.resize(epoch_order(len(others), seed, epoch=0), (epoch + 1) * count)
            poems += self._encode([others[k] for k in order[epoch * count :]])
        return [poems[k] for k in epoch_order(len(poems), seed, epoch)]

    def _loss_and_gradients(self, sequences: list[Ids]) -> Tensor:
        """The summed loss of one part; its gradients are added to what is there."""
        inputs, targets, sizes = map(torch.from_numpy, pack(sequences))
        device = self.processes.device
        loss = self.loss_sum(inputs.to(device), targets.to(device), sizes)
        loss.backward()
        return loss.detach()

    def loss_sum(self, inputs: Tensor, targets: Tensor, sizes: Tensor) -> Tensor:
        """What a step minimizes, summed over the targets of a packed batch."""
        return self.model.loss_sum(inputs, targets, sizes)

    def _sum_over_processes(self, loss: Tensor) -> None:
        """Sum loss and gradients in place.

        In the parameters' own order: the buckets of DistributedDataParallel change after its first step, so that a
        resumed run would round differently.
        """
        if self.processes.count > 1:
            self.processes.sum(loss)
            for parameter in self.model.parameters():
                if parameter.grad is None:  # nothing of this batch fell to this process
                    parameter.grad = torch.zeros_like(parameter)
                self.processes.sum(parameter.grad)

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
