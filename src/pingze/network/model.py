"""Define the language model in PyTorch, for training and evaluation."""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from pingze.lstm.dropout import Dropout, sequence_of_rows, type_dropout
from pingze.lstm.initializers import initialize
from pingze.lstm.layer import LSTM
from pingze.lstm.loss import cross_entropy_sum, token_losses
from pingze.network.checkpoint import Checkpoint
from pingze.network.configuration import ModelConfiguration
from pingze.network.vocabulary import BOS, PAD


class LanguageModel(nn.Module):
    """A model of p(next token | previous tokens): embedding (V, E) -> LSTM layers -> output (V, D).

    D is the input size of the output layer. In a tied model the output layer uses the embedding's
    weight, so the LSTM's output is projected from H to E, and D is E. In all other models D is H.

    Args:
        configuration: V, E, H and the other settings that determine the model's shape.
        dropout: The shares of features and weights to drop in training.
        operands: The type of operands of large matrix products in training; by default the type of
            the weights.
    """

    def __init__(
        self,
        configuration: ModelConfiguration,
        *,
        dropout: Dropout = Dropout(),
        operands: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        V = configuration.vocabulary_size
        E = configuration.embedding_size
        H = configuration.hidden_size
        self.configuration = configuration
        self.dropout = dropout
        self.operands = operands
        self.embedding = nn.Embedding(V, E)
        self.lstm = LSTM(
            E,
            H,
            configuration.layers,
            activation=configuration.activation,
            dropout=dropout,
            operands=operands,
            held_size=E if configuration.held else 0,
        )
        self.projection = nn.Linear(H, E, bias=False) if configuration.tied else None
        self.output = nn.Linear(E if configuration.tied else H, V)
        if configuration.tied:
            self.output.weight = self.embedding.weight

    def initialize(self, name: str, rng: np.random.Generator, scale: float = 1.0) -> None:
        """Draw the LSTM weights with `lstm.initializers`, and the other weights uniformly.

        The embedding is within ±0.1. The output weight, or the projection of a tied model, is
        within ±1/√H. The output bias is 0, and `weight_ph` keeps the 0 of its construction.

        Args:
            name: The initialisation of the LSTM layers: zero, normal, uniform, xavier or
                orthogonal.
            rng: The random number generator.
            scale: The standard deviation of the initialisation `normal`.
        """
        H = self.configuration.hidden_size
        # The output weight of a tied model is the embedding, so its projection is drawn instead.
        last_layer = self.output if self.projection is None else self.projection
        bound = H**-0.5
        with torch.no_grad():
            embedding = rng.uniform(-0.1, 0.1, self.embedding.weight.shape)
            self.embedding.weight.copy_(torch.from_numpy(embedding))
            for layer in self.lstm.layers:
                input_size = layer.weight_ih.shape[1]
                values = initialize(name, input_size, H, rng, scale)
                layer.weight_ih.copy_(torch.from_numpy(values.weight_ih))
                layer.weight_hh.copy_(torch.from_numpy(values.weight_hh))
                layer.bias.copy_(torch.from_numpy(values.bias))
            weight = rng.uniform(-bound, bound, last_layer.weight.shape)
            last_layer.weight.copy_(torch.from_numpy(weight))
            self.output.bias.zero_()

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "LanguageModel":
        """Build the model of a checkpoint, to evaluate it or to continue training.

        Args:
            checkpoint: A checkpoint that `pingze.network.checkpoint.load` returned.
        """
        model = cls(checkpoint.configuration)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(torch.from_numpy(checkpoint.tensors[name]))
        return model

    def forward(
        self, inputs: Int64[Tensor, "N"], sizes: Int64[Tensor, "T"]
    ) -> Float[Tensor, "N D"]:
        """Compute the output layer's input after each token, (N, D). The initial state is zeros.

        Args:
            inputs: The ids of a packed batch, (N).
            sizes: The number of texts still running at each step, (T).
        """
        # 1) the embeddings, (N, E), and in a `held` model the mean embedding of each text's
        # conditions, (B, E), computed before dropout
        embedded = self.embedding(inputs)
        held = None
        if self.configuration.held:
            held = _prefix_means(embedded, inputs, sizes)
        if self.training:
            if self.dropout.types:
                V = self.configuration.vocabulary_size
                embedded = type_dropout(embedded, inputs, V, self.dropout.types)
            embedded = self.dropout.features(embedded, sizes, self.dropout.inputs)
        # 2) the LSTM's output, (N, H), projected to (N, E) in a tied model
        hidden: Tensor = self.lstm(embedded, sizes, held=held)[0]
        if self.training:
            hidden = self.dropout.features(hidden, sizes, self.dropout.outputs)
        if self.projection is None:
            return hidden
        operands = self.operands
        if operands is None:
            operands = hidden.dtype
        projected = hidden.to(operands) @ self.projection.weight.to(operands).T
        return projected.to(hidden.dtype)

    def loss_sum(
        self, inputs: Int64[Tensor, "N"], targets: Int64[Tensor, "N"], sizes: Int64[Tensor, "T"]
    ) -> Float[Tensor, ""]:
        """Compute the sum of -ln p(target) over a batch, in nats.

        Training minimises the mean per target.

        Args:
            inputs: The ids of a packed batch, (N).
            targets: The id that follows each input, (N), or `PAD` if it is not predicted.
            sizes: The number of texts still running at each step, (T).
        """
        hidden, targets = self._predicted_only(inputs, targets, sizes)
        return cross_entropy_sum(
            hidden, self.output.weight, self.output.bias, targets, self.operands
        )

    def token_losses(
        self, inputs: Int64[Tensor, "N"], targets: Int64[Tensor, "N"], sizes: Int64[Tensor, "T"]
    ) -> Float[Tensor, "predicted"]:
        """Compute -ln p of each predicted target, in nats, for evaluation.

        Args:
            inputs: The ids of a packed batch, (N).
            targets: The id that follows each input, (N), or `PAD` if it is not predicted.
            sizes: The number of texts still running at each step, (T).
        """
        hidden, targets = self._predicted_only(inputs, targets, sizes)
        return token_losses(hidden, self.output.weight, self.output.bias, targets)

    def _predicted_only(
        self, inputs: Int64[Tensor, "N"], targets: Int64[Tensor, "N"], sizes: Int64[Tensor, "T"]
    ) -> tuple[Float[Tensor, "predicted D"], Int64[Tensor, "predicted"]]:
        """Compute the output layer's inputs at the predicted targets; return both."""
        hidden = self(inputs, sizes)
        predicted = targets != PAD
        if predicted.all():  # selecting would copy the largest tensor
            return hidden, targets
        return hidden[predicted], targets[predicted]

    def tensors(self) -> dict[str, np.ndarray]:
        """Return the weights, by their names in a checkpoint."""
        named = self.named_parameters()
        return {name: parameter.detach().cpu().numpy() for name, parameter in named}


def _prefix_means(
    embedded: Float[Tensor, "N E"], inputs: Int64[Tensor, "N"], sizes: Int64[Tensor, "T"]
) -> Float[Tensor, "B E"]:
    """Return the mean embedding of the tokens before each text's `<bos>`, (B, E); 0 if none."""
    device = inputs.device
    # 1) The text and the step of each token, (N), and the step of each text's `<bos>`, (B).
    text = sequence_of_rows(sizes).to(device)
    step = torch.repeat_interleave(torch.arange(len(sizes)), sizes).to(device)
    is_bos = inputs == BOS
    # a text without `<bos>` gets a step after the last, so that all its tokens are before `<bos>`
    batch_size = int(sizes[0])  # all texts run at the first step
    bos_step = torch.full((batch_size,), len(sizes), device=device)
    bos_step[text[is_bos]] = step[is_bos]
    # 2) The mean of the embeddings before `<bos>`. A text has one token at each step, so their
    # number is the step of `<bos>`.
    before = step < bos_step[text]
    zeros = embedded.new_zeros(len(bos_step), embedded.shape[1])
    sums = zeros.index_add(0, text[before], embedded[before])
    return sums / bos_step.clamp(min=1)[:, None]
