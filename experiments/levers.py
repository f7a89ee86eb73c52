"""The levers of `tang`, each changed alone, and a Transformer of as many parameters: dev after equal processor time.

Run: python -m experiments.levers [NAME ...] [--minutes 8] [--seed 1]

Each is small, an embedding of 128 and 256 units, and trained from random weights for so many minutes of one core, under
one recipe: AdamW, a warm-up of 100 steps, then a rate that falls to 0 by the time that is left. Measured are the first
1,000 poems of dev, given all three and nothing.
The Transformer is a decoder with learned positions before its layers and normalization before each sublayer.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from experiments.figures import record
from pingze.corpus import Store
from pingze.model import LanguageModel
from pingze.model_configuration import ModelConfiguration
from pingze.training import data
from pingze.training.averaging import Average
from pingze.training.configuration import LENGTHS, preset
from pingze.training.evaluation import evaluate
from pingze.training.optimizers import make_optimizer
from pingze.training.trainer import Trainer

POEMS, WARMUP = 1000, 100
LONGEST = 256
"""Tokens of a text and what stands before it."""
CONDITIONS = ("dynasty", "form", "poet", "title")

Build = Callable[[ModelConfiguration], LanguageModel]


class Transformer(LanguageModel):
    """Layers of self-attention in the LSTM's place, as wide as the embedding, which is the output's weight too."""

    def __init__(self, configuration: ModelConfiguration, layers: int, dropout: float = 0.1) -> None:
        super().__init__(configuration)
        E = configuration.embedding_size
        del self.lstm
        self.projection = None
        self.positions = nn.Parameter(torch.randn(LONGEST, 1, E) * 0.02)
        layer = nn.TransformerEncoderLayer(E, E // 64, 4 * E, dropout, "gelu", norm_first=True)
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(E), enable_nested_tensor=False)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        nn.init.zeros_(self.output.bias)

    def forward(self, inputs: Tensor, sizes: Tensor) -> Tensor:
        """What the output layer reads after each token, (N, E), of a packed batch."""
        embedded, lengths = pad_packed_sequence(PackedSequence(self.embedding(inputs), sizes))
        T = len(embedded)
        mask = nn.Transformer.generate_square_subsequent_mask(T)
        hidden = self.layers(embedded + self.positions[:T], mask, is_causal=True)
        packed: Tensor = pack_padded_sequence(hidden, lengths).data
        return packed


LEVERS: dict[str, tuple[list[str], Build | None]] = {
    "all": ([], None),
    "conditions read once, not held": (["held=false"], None),
    "no Song poems": (["song_share=0"], None),
    "no themes": (["theme_share=0"], None),
    "twice the units": (["hidden_size=512"], None),
    "Transformer, 3 layers": ([], lambda configuration: Transformer(configuration, 3)),
    "Transformer, 3 layers, half the rate": (["learning_rate=1e-3"], lambda c: Transformer(c, 3)),
}


def train(name: str, minutes: float, seed: int) -> dict[str, float]:
    """The figures that one reaches."""
    settings, build = LEVERS[name]
    plain = ["embedding_size=128", "hidden_size=256", f"seed={seed}", "precision=float32"]
    chosen = preset("tang", [*plain, *settings])
    with Store.open() as store:
        texts = data.read(store, chosen.training)
    trainer = Trainer(chosen, *texts)
    if build:
        torch.manual_seed(seed)
        trainer.model = build(trainer.preset.model)
        trainer.optimizer = make_optimizer(trainer.model.parameters(), chosen.training)
        trainer.average = Average(trainer.model, chosen.training.averaging)
    steps, begun, total = 0, time.process_time(), 60 * minutes
    while (spent := time.process_time() - begun) < total:
        rate = chosen.training.learning_rate * min((steps + 1) / WARMUP, 1 - spent / total)
        trainer.step(steps, rate)
        steps += 1
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    return {"parameters": parameters, "steps": steps, **measured(trainer, texts.dev)}


def measured(trainer: Trainer, dev: Sequence[data.Text]) -> dict[str, float]:
    """The hanzi perplexity given all three, and given nothing but the dynasty."""
    return {
        given: evaluate(
            trainer.model, dev[:POEMS], trainer.vocabulary, LENGTHS["tang"], kept
        ).hanzi_perplexity
        for given, kept in (("all", CONDITIONS), ("nothing", CONDITIONS[:1]))
    }


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(LEVERS)}; by default all")
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name in given.names or LEVERS:
        figures = train(name, given.minutes, given.seed)
        print(name, {each: round(value, 1) for each, value in figures.items()}, flush=True)
        record(
            f"python -m experiments.levers --minutes {given.minutes:g}",
            {f"levers.{name}.{each}": value for each, value in figures.items()},
        )


if __name__ == "__main__":
    main()
