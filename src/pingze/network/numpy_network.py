"""The LSTM in NumPy, one character at a time: it composes without torch.

It runs `pingze.lstm.formulas` on NumPy, so that the formula on the page is the code that writes the verse.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from pingze.arrays import Array, Float, Int64
from pingze.lstm.formulas import Parameters, StepCache, cell_forward, held_bias, sequence_forward
from pingze.network.checkpoint import Checkpoint
from pingze.network.products import Product, in_8_bits
from pingze.network.vocabulary import BOS


class LayerStates(NamedTuple):
    """What the model remembers of B texts: its size does not grow with their length."""

    h: Float[Array, "layers B H"]
    c: Float[Array, "layers B H"]
    bias: Float[Array, "1 B G"]
    """The first layer's bias for each text: what is held beside its every input (`formulas.held_bias`)."""

    def take(self, rows: Int64[Array, "N"] | slice) -> "LayerStates":
        """The states of some texts, each as often as it is named; of a slice, without a copy."""
        return LayerStates(*(part[:, rows] for part in self))

    @classmethod
    def joined(cls, states: Sequence["LayerStates"]) -> "LayerStates":
        """The states of several batches as one; of a single one, without a copy."""
        if len(states) == 1:
            return states[0]
        return cls(*(np.concatenate(parts, axis=1) for parts in zip(*states, strict=True)))


class NumpyNetwork:
    """Steps a batch of texts through a checkpoint's model."""

    def __init__(
        self, checkpoint: Checkpoint, product: Callable[[Float[Array, "N K"]], Product] = in_8_bits
    ) -> None:
        tensors = checkpoint.tensors
        self.configuration = checkpoint.configuration
        self.parameters = [
            Parameters(*(tensors[f"lstm.{depth}.{name}"] for name in Parameters._fields))
            for depth in range(self.configuration.layers)
        ]
        self.embedding = tensors["embedding.weight"]
        self.weight_ph = tensors.get("lstm.0.weight_ph")
        self.products = [(product(layer.weight_ih), product(layer.weight_hh)) for layer in self.parameters]
        self.projection = product(tensors["projection.weight"]) if self.configuration.tied else None
        self.output = product(self.embedding if self.configuration.tied else tensors["output.weight"])
        self.output_bias = tensors["output.bias"]

    def start(self, batch: int = 1, prefix: Sequence[int] = ()) -> LayerStates:
        """The state of `batch` texts after `<bos>`, before which the prefix stands (`pingze.network.conditions`)."""
        zeros = np.zeros((self.configuration.layers, 1, self.configuration.hidden_size), np.float32)
        state = LayerStates(zeros, zeros, self._bias(prefix)[None, None])
        for id_ in (*prefix, BOS):
            state = self.step(state, np.array([id_]))
        return state.take(np.zeros(batch, np.int64))

    def _bias(self, prefix: Sequence[int]) -> Float[Array, "G"]:
        """W_p p + b of the first layer, p the prefix's mean embedding."""
        bias = self.parameters[0].bias
        if self.weight_ph is not None and prefix:
            # In float64, so that the order in which BLAS adds is rounded away.
            p = self.embedding[list(prefix)].mean(axis=0, keepdims=True, dtype=np.float64)
            (bias,) = held_bias(p, self.weight_ph, bias)
        return bias.astype(np.float32)

    def step(self, state: LayerStates, ids: Int64[Array, "B"]) -> LayerStates:
        """The state after one more character of each text."""
        distinct, place = np.unique(ids, return_inverse=True)
        net = self.products[0][0](self.embedding[distinct])[place]
        states: list[tuple[Array, Array]] = []
        for depth, (h_prev, c_prev) in enumerate(zip(state.h, state.c, strict=True)):
            read, recur = self.products[depth]
            if depth > 0:
                net = read(states[-1][0])
            net += recur(h_prev)
            net += self.parameters[depth].bias if depth else state.bias[0]
            states.append(cell_forward(net, c_prev, self.configuration.activation)[0])
        h, c = (np.stack(part) for part in zip(*states, strict=True))
        return LayerStates(h, c, state.bias)

    def record(self, ids: Int64[Array, "T"]) -> list[list[StepCache]]:
        """What each layer did at each token of one text from its very beginning: all that a step remembers."""
        held = self._bias(ids[: list(ids).index(BOS)].tolist())
        x, zeros = self.embedding[ids][:, None], np.zeros((1, self.configuration.hidden_size), np.float32)
        recorded = []
        for parameters in (self.parameters[0]._replace(bias=held), *self.parameters[1:]):
            (x, *_), caches = sequence_forward(x, zeros, zeros, parameters, self.configuration.activation)
            recorded.append(caches)
        return recorded

    def logits(self, state: LayerStates) -> Float[Array, "B V"]:
        """The next character's logits for each text."""
        features = state.h[-1] if self.projection is None else self.projection(state.h[-1])
        logits = self.output(features)
        logits += self.output_bias
        return logits
