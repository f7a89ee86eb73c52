"""The LSTM in NumPy, one character at a time: it composes without torch.

It runs `pingze.lstm.formulas` on NumPy, so that the formula on the page is the code that writes the verse.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from pingze.arrays import Array
from pingze.checkpoint import Checkpoint
from pingze.lstm.formulas import (
    Parameters,
    StepCache,
    cell_forward,
    held_forward,
    sequence_forward,
    step_forward,
)
from pingze.vocabulary import BOS


class LayerStates(NamedTuple):
    """What the model remembers of B texts: its size does not grow with their length."""

    h: Float[Array, "layers B H"]
    c: Float[Array, "layers B H"]
    bias: Float[Array, "1 B G"]
    """The first layer's bias for each text: what is held beside its every input (`formulas.held_forward`)."""

    def take(self, rows: Int64[Array, "N"] | slice) -> "LayerStates":
        """The states of some texts, each as often as it is named; of a slice, without a copy."""
        return LayerStates(*(part[:, rows] for part in self))

    @classmethod
    def joined(cls, states: Sequence["LayerStates"]) -> "LayerStates":
        """The states of several batches as one."""
        return cls(*(np.concatenate(parts, axis=1) for parts in zip(*states, strict=True)))


class NumpyNetwork:
    """Steps a batch of texts through a checkpoint's model."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        tensors = checkpoint.tensors
        self.configuration = checkpoint.configuration
        layers = [
            Parameters(*(tensors[f"lstm.{depth}.{name}"] for name in Parameters._fields))
            for depth in range(self.configuration.layers)
        ]
        self.embedding, self.parameters = tensors["embedding.weight"], layers
        self.weight_ph = tensors.get("lstm.0.weight_ph")
        # The first layer's input product is the same wherever a character stands: a row, made when it first does.
        self.first_net = np.empty((len(self.embedding), len(layers[0].bias)), np.float32)
        self.is_made = np.zeros(len(self.embedding), bool)
        # OpenBLAS multiplies rows faster by a matrix that lies as it is read.
        self.first_weights = [np.ascontiguousarray(w.T) for w in (layers[0].weight_ih, layers[0].weight_hh)]
        self.layers = layers[1:]
        self.projection = tensors["projection.weight"].T if self.configuration.tied else None
        output_weight = tensors["embedding.weight" if self.configuration.tied else "output.weight"]
        self.output_weight = np.ascontiguousarray(output_weight.T)
        self.output_bias = tensors["output.bias"]

    def start(self, batch: int = 1, prefix: Sequence[int] = ()) -> LayerStates:
        """The state of `batch` texts after `<bos>`, before which the prefix stands (`pingze.conditions`)."""
        zeros = np.zeros((self.configuration.layers, 1, self.configuration.hidden_size), np.float32)
        state = LayerStates(zeros, zeros, self._bias(prefix)[None, None])
        for id_ in (*prefix, BOS):
            state = self.step(state, np.array([id_]))
        return state.take(np.zeros(batch, np.int64))

    def _bias(self, prefix: Sequence[int]) -> Float[Array, "G"]:
        """W_p p + b of the first layer, p the prefix's mean embedding."""
        bias = self.parameters[0].bias
        if self.weight_ph is not None and prefix:
            p = self.embedding[list(prefix)].mean(axis=0, keepdims=True)
            (bias,), _ = held_forward(p, self.weight_ph, bias)
        return bias

    def step(self, state: LayerStates, ids: Int64[Array, "B"]) -> LayerStates:
        """The state after one more character of each text."""
        activation = self.configuration.activation
        net = state.h[0] @ self.first_weights[1]
        net += self._input_net(ids)
        net += state.bias[0]
        (h, c), _ = cell_forward(net, state.c[0], activation)
        states = [(h, c)]
        for parameters, h_prev, c_prev in zip(self.layers, state.h[1:], state.c[1:], strict=True):
            (h, c), _ = step_forward(h, h_prev, c_prev, parameters, activation)
            states.append((h, c))
        h, c = (np.stack(part) for part in zip(*states, strict=True))
        return LayerStates(h, c, state.bias)

    def _input_net(self, ids: Int64[Array, "B"]) -> Float[Array, "B G"]:
        """What the first layer gets from its input: W_x x."""
        if not self.is_made[ids].all():
            new = np.unique(ids[~self.is_made[ids]])
            self.first_net[new] = self.embedding[new] @ self.first_weights[0]
            self.is_made[new] = True  # last, for other threads
        net: Array = self.first_net[ids]
        return net

    def record(self, ids: Int64[Array, "T"]) -> list[list[StepCache]]:
        """What each layer did at each token of one text from its very beginning: all that a step remembers."""
        held = self._bias(ids[: list(ids).index(BOS)].tolist())
        x, zeros = self.embedding[ids][:, None], np.zeros((1, self.configuration.hidden_size), np.float32)
        recorded = []
        for parameters in (self.parameters[0]._replace(bias=held), *self.layers):
            (x, *_), caches = sequence_forward(x, zeros, zeros, parameters, self.configuration.activation)
            recorded.append(caches)
        return recorded

    def logits(self, state: LayerStates) -> Float[Array, "B V"]:
        """The next character's logits for each text."""
        features = state.h[-1] if self.projection is None else state.h[-1] @ self.projection
        logits: Array = features @ self.output_weight
        logits += self.output_bias
        return logits


def log_softmax(logits: Float[Array, "*B V"]) -> Float[Array, "*B V"]:
    """Ln softmax over the last axis; -inf stays -inf where a logit is."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    normalized: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normalized
