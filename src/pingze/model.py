"""The language model: packed ids come in; hidden states, from which the loss takes the output layer, go out."""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from pingze.checkpoint import Checkpoint
from pingze.configuration import ModelConfiguration
from pingze.loss import cross_entropy_sum, token_losses
from pingze.lstm.initialization import initialize
from pingze.lstm.layer import LSTM


class LanguageModel(nn.Module):
    """embedding (V, E) -> LSTM layers -> output (V, H): p(next character | the characters before).

    `dropout` acts on the LSTM's input, between its layers and on its output. `operands` is the type in which the
    large matrix products read their operands while training.
    """

    def __init__(
        self, configuration: ModelConfiguration, *, dropout: float = 0.0, operands: torch.dtype | None = None
    ) -> None:
        super().__init__()
        V, E, H = configuration.vocabulary_size, configuration.embedding_size, configuration.hidden_size
        self.configuration = configuration
        self.operands = operands
        self.embedding = nn.Embedding(V, E)
        self.lstm = LSTM(
            E,
            H,
            configuration.layers,
            activation=configuration.activation,
            dropout=dropout,
            operands=operands,
        )
        self.output = nn.Linear(H, V)
        self.dropout = nn.Dropout(dropout)

    def initialize(self, name: str, rng: np.random.Generator, scale: float = 1.0) -> None:
        """First weights: LSTM layers as `lstm.initialization`; embedding uniform ±0.1; output uniform ±1/√H, b 0."""
        E, H = self.configuration.embedding_size, self.configuration.hidden_size
        with torch.no_grad():
            self.embedding.weight.copy_(_uniform(0.1, self.embedding.weight, rng))
            for depth, layer in enumerate(self.lstm):
                values = initialize(name, E if depth == 0 else H, H, rng, scale)
                for parameter, value in zip(layer.parameters(), values, strict=True):
                    parameter.copy_(torch.from_numpy(value))
            self.output.weight.copy_(_uniform(H**-0.5, self.output.weight, rng))
            self.output.bias.zero_()

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "LanguageModel":
        """The model of a checkpoint, to measure or to go on with."""
        model = cls(checkpoint.configuration)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(torch.from_numpy(checkpoint.tensors[name]))
        return model

    def forward(self, inputs: Int64[Tensor, "N"], sizes: Int64[Tensor, "T"]) -> Float[Tensor, "N H"]:
        """The top layer's hidden state after each input token of a packed batch that starts at (0, 0)."""
        embedded = self.dropout(self.embedding(inputs))
        hidden, _ = self.lstm(PackedSequence(embedded, sizes))
        return self.dropout(hidden.data)  # type: ignore[no-any-return]

    def loss_sum(
        self, inputs: Int64[Tensor, "N"], targets: Int64[Tensor, "N"], sizes: Int64[Tensor, "T"]
    ) -> Float[Tensor, ""]:
        """Sum of -ln p over the batch's targets, in nats: what training minimizes per token."""
        hidden = self(inputs, sizes)
        return cross_entropy_sum(hidden, self.output.weight, self.output.bias, targets, self.operands)

    def token_losses(
        self, inputs: Int64[Tensor, "N"], targets: Int64[Tensor, "N"], sizes: Int64[Tensor, "T"]
    ) -> Float[Tensor, "N"]:
        """-ln p of each target, in nats: what evaluation averages."""
        return token_losses(self(inputs, sizes), self.output.weight, self.output.bias, targets)

    def tensors(self) -> dict[str, np.ndarray]:
        """The weights by their names in a checkpoint."""
        return {name: parameter.detach().cpu().numpy() for name, parameter in self.named_parameters()}


def _uniform(bound: float, like: Tensor, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.uniform(-bound, bound, like.shape))
