"""Compare four models on the report's draw at equal parameters and training time.

    python -m lab.experiments.comparison RUNS [MINUTES]

- report: the report's model as it ships (preset `report`), 6.07 M parameters;
- recipe: the preset `recipe`, 5.87 M;
- stock: torch.nn.LSTM with the recipe's shape, dropout, optimizer and averaging, 5.87 M;
- gpt: six pre-norm layers of torch.nn.TransformerEncoderLayer with learned positions and a tied
  output, 5.92 M, trained as such models usually are (dropout 0.1, AdamW, warm-up, cosine).

Each trains for MINUTES (default 20), however many steps that allows. The learning rate falls along
a half cosine of the time, so that every schedule is complete. Only training is timed, not
evaluation. All have the same head and loss (`pingze.lstm.loss`), batches and bfloat16 products. A
finished row is kept in RUNS/comparison.json and not run again; the LOG's entry is written from it
by hand.
"""

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from lab.figures import record
from pingze.corpus import Store
from pingze.lstm.dropout import Dropout, type_dropout
from pingze.network.batches import Batch, Ids, batches, encode_sequence, epoch_order
from pingze.network.configuration import ModelConfiguration
from pingze.network.model import LanguageModel
from pingze.network.vocabulary import Vocabulary
from pingze.training.evaluation import evaluate_sequences
from pingze.training.optimization import Average
from pingze.training.presets import TrainingConfiguration, preset

GPT_WIDTH = 248
GPT_HEADS = 8
GPT_LAYERS = 6


class Contender(NamedTuple):
    """A model and its training configuration."""

    model: LanguageModel
    training: TrainingConfiguration


class StockLSTM(LanguageModel):
    """The recipe's model with torch.nn.LSTM in place of the project's."""

    def __init__(self, configuration: ModelConfiguration, dropout: Dropout) -> None:
        super().__init__(configuration, dropout=dropout, operands=torch.bfloat16)
        self.stock = nn.LSTM(
            configuration.embedding_size, configuration.hidden_size, configuration.layers
        )

    def initialize(self, name: str, rng: np.random.Generator, scale: float = 1.0) -> None:
        """Copy the initial weights of the project's LSTM."""
        super().initialize(name, rng, scale)
        with torch.no_grad():
            for depth, layer in enumerate(self.lstm.layers):
                self.stock.get_parameter(f"weight_ih_l{depth}").copy_(layer.weight_ih)
                self.stock.get_parameter(f"weight_hh_l{depth}").copy_(layer.weight_hh)
                self.stock.get_parameter(f"bias_ih_l{depth}").copy_(layer.bias)
                self.stock.get_parameter(f"bias_hh_l{depth}").zero_()
        del self.lstm

    def forward(
        self, inputs: Int64[Tensor, "N"], sizes: Int64[Tensor, "T"]
    ) -> Float[Tensor, "N D"]:
        """Return the input of the output layer."""
        embedded = self.embedding(inputs)
        if self.training:
            if self.dropout.types:
                embedded = type_dropout(
                    embedded, inputs, self.configuration.vocabulary_size, self.dropout.types
                )
            embedded = self.dropout.features(embedded, sizes, self.dropout.inputs)
        weights = {
            name: nn.functional.dropout(weight, self.dropout.weights, self.training)
            for name, weight in self.stock.named_parameters()
            if name.startswith("weight_hh")
        }
        # Pad the sequences, because torch.nn.LSTM takes four times as long on packed ones.
        padded, lengths = pad_packed_sequence(PackedSequence(embedded, sizes))
        with torch.autocast("cpu", torch.bfloat16):
            out = torch.func.functional_call(self.stock, weights, (padded,))[0]
            hidden: Tensor = pack_padded_sequence(out.float(), lengths).data
            if self.training:
                hidden = self.dropout.features(hidden, sizes, self.dropout.outputs)
            projected: Tensor = hidden @ self.projection.weight.T  # type: ignore[union-attr]
        return projected.float()


class GPT(LanguageModel):
    """A causal transformer built from torch's modules."""

    def __init__(self, vocabulary_size: int, length: int, dropout: float) -> None:
        shape = ModelConfiguration(
            vocabulary_size=vocabulary_size,
            embedding_size=GPT_WIDTH,
            hidden_size=GPT_WIDTH,
            tied=True,
        )
        super().__init__(shape, operands=torch.bfloat16)
        del self.lstm, self.projection
        self.positions = nn.Embedding(length, GPT_WIDTH)
        self.drop = nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(
            d_model=GPT_WIDTH,
            nhead=GPT_HEADS,
            dim_feedforward=4 * GPT_WIDTH,
            dropout=dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(
            layer, GPT_LAYERS, nn.LayerNorm(GPT_WIDTH), enable_nested_tensor=False
        )

    def initialize(self, name: str, rng: np.random.Generator, scale: float = 1.0) -> None:
        """Initialize as GPT-2 does: normal with deviation 0.02 or less; biases 0."""
        with torch.no_grad():
            for key, parameter in self.named_parameters():
                if parameter.dim() > 1:
                    deviation = 0.02
                    if key.endswith(("out_proj.weight", "linear2.weight")):  # adds to the residual
                        deviation /= math.sqrt(2 * GPT_LAYERS)
                    parameter.normal_(0, deviation)
                elif "norm" not in key:
                    parameter.zero_()

    def forward(
        self, inputs: Int64[Tensor, "N"], sizes: Int64[Tensor, "T"]
    ) -> Float[Tensor, "N D"]:
        """Return the input of the output layer.

        Padding is at the ends, where no token attends to it.
        """
        ids, lengths = pad_packed_sequence(PackedSequence(inputs, sizes), batch_first=True)
        steps = ids.shape[1]
        with torch.autocast("cpu", torch.bfloat16):
            mask = nn.Transformer.generate_square_subsequent_mask(steps)
            x = self.drop(self.embedding(ids) + self.positions.weight[:steps])
            out = self.layers(x, mask=mask, is_causal=True)
        return pack_padded_sequence(out.float(), lengths, batch_first=True).data


def contenders(vocabulary_size: int, length: int) -> dict[str, Callable[[], Contender]]:
    """Return, by name, the function that makes each contender."""
    recipe = preset("recipe")

    def ours(name: str) -> Contender:
        chosen = preset(name)
        dropout = chosen.training.dropped
        model = LanguageModel(chosen.model, dropout=dropout, operands=torch.bfloat16)
        return Contender(model=model, training=chosen.training)

    def stock() -> Contender:
        model = StockLSTM(recipe.model, recipe.training.dropped)
        return Contender(model=model, training=recipe.training)

    def gpt() -> Contender:
        training = replace(
            recipe.training, learning_rate=1e-3, weight_decay=0.1, dropout=0.1, output_dropout=None
        )
        model = GPT(vocabulary_size, length, training.dropout)
        return Contender(model=model, training=training)

    return {
        "report": lambda: ours("report"),
        "recipe": lambda: ours("recipe"),
        "stock": stock,
        "gpt": gpt,
    }


def train(contender: Contender, sequences: list[Ids], seconds: float) -> tuple[Average, int]:
    """Train for a number of seconds; return the averaged weights and the number of steps."""
    model, training = contender
    rng = np.random.default_rng(training.seed)
    torch.manual_seed(training.seed)
    model.initialize(training.initialization, rng)
    optimizer = torch.optim.AdamW(
        model.parameters(), training.learning_rate, weight_decay=training.weight_decay, fused=True
    )
    average = Average(model, training.averaging)
    steps = 0
    used = 0.0
    for batch in _endless(sequences, training):
        started = time.perf_counter()
        # 1) The rate.
        warm = min(1.0, (steps + 1) / max(1, training.warmup_steps))
        rate = training.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * used / seconds))
        for group in optimizer.param_groups:
            group["lr"] = rate
        # 2) The step.
        optimizer.zero_grad()
        inputs = torch.from_numpy(batch.inputs)
        targets = torch.from_numpy(batch.targets)
        sizes = torch.from_numpy(batch.sizes)
        loss = model.loss_sum(inputs, targets, sizes) / int(batch.predicted.sum())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), training.clip_norm or math.inf)
        optimizer.step()
        steps += 1
        average.update()
        # 3) The time.
        used += time.perf_counter() - started
        if used >= seconds:
            break
        if steps % 200 == 0:
            print(
                f"{used:6.0f} s  step {steps}  {48 * loss.item():.1f} nats per 48 tokens",
                flush=True,
            )
    return average, steps


def _endless(sequences: list[Ids], training: TrainingConfiguration) -> Iterator[Batch]:
    epoch = 0
    while True:
        order = epoch_order(len(sequences), training.seed, epoch).tolist()
        yield from batches([sequences[index] for index in order], training.batch_size)
        epoch += 1


def main(folder: Path, minutes: float) -> None:
    """Train and measure each contender that has no row yet, and record all rows."""
    # 1) The texts of the report's draw.
    torch.set_flush_denormal(True)
    with Store.open() as store:
        texts = store.report_draw("train")
        dev = store.report_draw("dev")
    report = preset("report")
    length = report.training.length
    vocabulary = Vocabulary.of_texts(
        (text[:length] for text in texts), report.model.vocabulary_size
    )
    sequences = [encode_sequence(text, vocabulary, length) for text in texts]
    measured = [encode_sequence(text, vocabulary, length) for text in dev]
    # 2) A row for each contender.
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "comparison.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name, make in contenders(len(vocabulary), length).items():
        if name in rows:
            continue
        contender = make()
        average, steps = train(contender, sequences, 60 * minutes)
        with average.in_place():
            figures = evaluate_sequences(contender.model, measured, vocabulary)
        rows[name] = {
            "nats_per_48": figures.nats_per_48_tokens,
            "hanzi_perplexity": figures.hanzi_perplexity,
            "parameters": sum(p.numel() for p in contender.model.parameters()),
            "steps": steps,
            "epochs": steps * contender.training.batch_size / len(sequences),
        }
        path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    values = {}
    for name, row in rows.items():
        for key, value in row.items():
            values[f"comparison.{name}.{key}"] = value
    record(f"python -m lab.experiments.comparison runs/comparison {minutes:g}", values)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 20)
