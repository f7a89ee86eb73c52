"""Change each lever of `tang` alone, and try a Transformer, at equal processor time.

    PINGZE_THREADS=1 python -m lab.experiments.levers [NAME ...] [--minutes 15] [--seed 1]
    python -m lab.experiments.levers --sheet FOLDER NAME NAME ...

Each model is small, with an embedding of 128 and 256 units, and is trained from random weights for
the given minutes of one core. The recipe is AdamW, 32 poems a step, a warm-up of 100 steps, then a
constant rate that falls to 0 in the last fifth of the time. The first 1,000 poems of dev are
measured, once given form, poet and title and once given nothing but the dynasty. The weights are
stored in runs/levers.

`--sheet` lets the named models write poems for 40 titles of dev, and mixes the poems for blind
readings (`lab.experiments.blind_reading score FOLDER`). They are written without constraints at a
temperature of 0.5, so that a poem shows only what the model knows.

The Transformer is a decoder with learned positions added before its layers and normalization before
each sublayer (Vaswani et al. 2017; Xiong et al. 2020). Its output shares the embedding's weight, as
the LSTM's does.
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from lab.experiments.blind_reading import Prompt, title_prompts, write_sheet
from lab.figures import record
from pingze.corpus import Store
from pingze.network.batches import pack
from pingze.network.configuration import ModelConfiguration
from pingze.network.model import LanguageModel
from pingze.network.vocabulary import BOS, EOS, PAD
from pingze.training.evaluation import evaluate
from pingze.training.optimization import Average, make_optimizer
from pingze.training.presets import LENGTHS, preset
from pingze.training.texts import read, read_split
from pingze.training.trainer import Trainer

WEIGHTS = Path("runs/levers")
POEMS = 1000
TITLES = 40
TEMPERATURE = 0.5
WARMUP = 100
FALLING = 0.2
LONGEST = 256
"""The largest number of tokens that a text and its prefix can have together."""
CONDITIONS = ("dynasty", "form", "poet", "title")


class Layer(nn.Module):
    """Self-attention and a feed-forward network, with normalized inputs and residuals."""

    def __init__(self, size: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(size)
        self.before_feeding = nn.LayerNorm(size)
        self.read = nn.Linear(size, 3 * size)
        self.attended = nn.Linear(size, size)
        self.wide = nn.Linear(size, 4 * size)
        self.narrow = nn.Linear(4 * size, size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: Tensor, running: Tensor) -> Tensor:
        """Map packed rows (N, E) to packed rows.

        The mask `running` (T, B) says at which step and text each row is.
        """
        heads = self._attend(self.read(self.before_attention(rows)), running)
        rows = rows + self.dropout(self.attended(heads))
        fed = self.narrow(gelu(self.wide(self.before_feeding(rows))))
        summed: Tensor = rows + self.dropout(fed)
        return summed

    def _attend(self, rows: Tensor, running: Tensor) -> Tensor:
        T, B = running.shape
        padded = rows.new_zeros(T, B, rows.shape[1])
        padded[running] = rows
        query, key, value = padded.view(T, B, 3, self.heads, -1).permute(2, 1, 3, 0, 4)
        # (B, heads, T, E / heads)
        found = scaled_dot_product_attention(query, key, value, is_causal=True)
        attended: Tensor = found.permute(2, 0, 1, 3).reshape(T, B, -1)[running]
        return attended


class Transformer(LanguageModel):
    """A model with self-attention layers for the LSTM, and a tied output."""

    def __init__(
        self, configuration: ModelConfiguration, layers: int, dropout: float = 0.1
    ) -> None:
        super().__init__(configuration)
        E = configuration.embedding_size
        del self.lstm
        self.projection = None
        self.positions = nn.Parameter(torch.randn(LONGEST, E) * 0.02)
        self.layers = nn.ModuleList(Layer(E, E // 64, dropout) for _ in range(layers))
        self.last = nn.LayerNorm(E)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        nn.init.zeros_(self.output.bias)

    def forward(self, inputs: Tensor, sizes: Tensor) -> Tensor:
        """Return the output layer's input after each token of a packed batch, (N, E)."""
        running = torch.arange(int(sizes[0])) < sizes[:, None]
        steps = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
        rows = self.embedding(inputs) + self.positions[steps]
        for layer in self.layers:
            rows = layer(rows, running)
        last: Tensor = self.last(rows)
        return last


class Lever(NamedTuple):
    """The change that one training makes to the base model."""

    settings: Sequence[str] = ()
    build: Callable[[ModelConfiguration], LanguageModel] | None = None
    """A function that makes the model, if it is not an LSTM."""
    falling: float = FALLING
    """The share of the time, at the end, during which the rate falls."""


def transformer(configuration: ModelConfiguration) -> LanguageModel:
    """Make a Transformer of 1.56 million parameters; the LSTM compared with it has 1.49."""
    return Transformer(configuration, layers=3)


LEVERS = {
    "all": Lever(),
    "conditions read once, not held": Lever(settings=["held=false"]),
    "no Song poems": Lever(settings=["mixture="]),
    "no themes": Lever(settings=["theme_share=0"]),
    "twice the units": Lever(settings=["hidden_size=512"]),
    "a rate that falls from the start": Lever(falling=1.0),
    "twice the rate": Lever(settings=["learning_rate=4e-3"]),
    "Transformer": Lever(build=transformer),
    "Transformer, half the rate": Lever(settings=["learning_rate=1e-3"], build=transformer),
    "Transformer, twice the rate": Lever(settings=["learning_rate=4e-3"], build=transformer),
}


def make(name: str, seed: int) -> Trainer:
    """Make the trainer of a lever, with its initial weights."""
    lever = LEVERS[name]
    settings = [
        "embedding_size=128",
        "hidden_size=256",
        "batch_size=32",
        f"seed={seed}",
        "precision=float32",
    ]
    settings += lever.settings
    chosen = preset("tang", settings)
    with Store.open() as store:
        trainer = Trainer(chosen, read(store, chosen.training))
    if lever.build:
        torch.manual_seed(seed)
        trainer.model = lever.build(trainer.preset.model)
        trainer.optimizer = make_optimizer(trainer.model.parameters(), chosen.training)
        trainer.average = Average(trainer.model, chosen.training.averaging)
    return trainer


def train(name: str, minutes: float, seed: int) -> None:
    """Train the model of a lever, store its weights, and record its figures."""
    trainer = make(name, seed)
    # loads the first epoch of the corpus, whose time does not count as training
    trainer.step(0, 0.0)
    steps = 0
    spent = 0.0  # the share of the time that is over
    begun = time.process_time()
    while spent < 1:
        share = min((steps + 1) / WARMUP, 1.0, (1 - spent) / LEVERS[name].falling)
        steps += 1
        trainer.step(steps, trainer.configuration.learning_rate * share)
        spent = (time.process_time() - begun) / (60 * minutes)
    with trainer.average.in_place():
        WEIGHTS.mkdir(parents=True, exist_ok=True)
        save_model(trainer.model, str(_weights(name, seed)))
        figures = measured(trainer)
    figures["parameters"] = sum(parameter.numel() for parameter in trainer.model.parameters())
    figures["steps"] = steps
    values = {f"levers.{name}, seed {seed}.{key}": value for key, value in figures.items()}
    record(f"python -m lab.experiments.levers --minutes {minutes:g}", values)


def _weights(name: str, seed: int) -> Path:
    return WEIGHTS / f"{name}, seed {seed}.safetensors"


def measured(trainer: Trainer) -> dict[str, float]:
    """Measure the hanzi perplexity given all conditions, and the dynasty alone."""
    with Store.open() as store:
        dev = read_split(store, "tang", "dev")[:POEMS]
    found = {}
    for given, kept in (("all", CONDITIONS), ("nothing", CONDITIONS[:1])):
        figures = evaluate(trainer.model, dev, trainer.vocabulary, LENGTHS["tang"], kept)
        found[given] = figures.hanzi_perplexity
    return found


def writer(name: str, seed: int) -> Callable[[Prompt, int], str]:
    """Return a function that writes a poem to a title with the stored weights of a lever."""
    trainer = make(name, seed)
    load_model(trainer.model, str(_weights(name, seed)))
    trainer.model.eval()
    vocabulary = trainer.vocabulary
    special = [n for n, token in enumerate(vocabulary.tokens) if len(token) > 1 and n != EOS]

    @torch.no_grad()
    def write(prompt: Prompt, number: int) -> str:
        random_numbers = torch.Generator().manual_seed(number)
        ids = list(trainer.conditions.prefix(prompt.form, None, prompt.text).ids)
        ids.append(BOS)
        poem: list[int] = []
        while len(poem) < LENGTHS["tang"]:
            # 1) The logits after what is written; PAD is a target that nothing reads.
            batch = pack([np.array(ids + poem + [PAD])])
            inputs = torch.from_numpy(batch.inputs)
            hidden = trainer.model(inputs, torch.from_numpy(batch.sizes))[-1]
            logits = trainer.model.output(hidden) / TEMPERATURE
            logits[special] = -torch.inf
            # 2) The next character.
            drawn = int(torch.multinomial(logits.softmax(0), 1, generator=random_numbers))
            if drawn == EOS:
                break
            poem.append(drawn)
        # a couplet per row, like the real poems
        return vocabulary.decode(poem).replace("。", "。\n").strip()

    return write


def main() -> None:
    """Train the levers, or write a sheet, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(LEVERS)}; by default all")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sheet", type=Path)
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in LEVERS]
    if unknown:
        parser.error(f"no lever is named {', '.join(unknown)}")
    if given.sheet:
        prompts = title_prompts("dev", TITLES, random.Random(given.seed))
        writers = {name: writer(name, given.seed) for name in given.names}
        write_sheet(given.sheet, "titles", prompts, writers, given.seed)
        return
    for name in given.names or LEVERS:
        train(name, given.minutes, given.seed)


if __name__ == "__main__":
    main()
