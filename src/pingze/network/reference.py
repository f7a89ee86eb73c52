"""Run a model with `pingze.lstm.formulas` alone, to test faster networks and to compose with `--reference`."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from pingze.arrays import Array, Float, Int64
from pingze.lstm.formulas import Parameters, StepCache, held_bias, sequence_forward, step_forward
from pingze.network.checkpoint import Checkpoint
from pingze.network.vocabulary import BOS

KEPT = 16  # maximum number of prefixes for which the state is cached for later poems


class State(NamedTuple):
    """The state of a model after reading B texts; its size does not depend on their length."""

    layers: tuple[Float[Array, "B H"], ...]
    """h and c of each layer, starting with the first: h0, c0, h1, c1, …"""
    bias: Float[Array, "R G"]
    """The first layer's bias, W_p p + b for conditions p (`formulas.held_bias`): one row for all texts or one each."""
    logits: Float[Array, "B V"]
    """The logits of the next token, shifted so that the largest is 0."""
    log_sum: Float[Array, "B"]
    """The logarithm of the sum of the logits' exponentials."""

    @property
    def h(self) -> Float[Array, "B H"]:
        """The hidden state of the last layer."""
        return self.layers[-2]

    @property
    def log_p(self) -> Float[Array, "B V"]:
        """The next token's log probabilities at temperature 1."""
        return self.logits - self.log_sum[:, None].astype(np.float32)

    def take(self, rows: Int64[Array, "N"] | slice) -> "State":
        """Return the states of the texts at the given rows, which may repeat; a slice copies nothing."""
        bias = self.bias if len(self.bias) == 1 else self.bias[rows]
        layers = tuple(part[rows] for part in self.layers)
        return State(layers, bias, self.logits[rows], self.log_sum[rows])

    @classmethod
    def joined(cls, states: Sequence["State"]) -> "State":
        """Concatenate the states of several batches; a single state is returned without a copy."""
        first, *others = states
        if not others:
            return first
        bias = first.bias
        if not all(np.array_equal(state.bias, bias) for state in others):
            bias = np.concatenate([np.broadcast_to(s.bias, (len(s.h), s.bias.shape[1])) for s in states])
        parts = zip(*((*s.layers, s.logits, s.log_sum) for s in states), strict=True)
        *layers, logits, log_sum = map(np.concatenate, parts)
        return cls(tuple(layers), bias, logits, log_sum)


class ReferenceNetwork:
    """A network that reads a batch of texts token by token, with `pingze.lstm.formulas` in float32."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint, self.configuration = checkpoint, checkpoint.configuration
        self._begun = lru_cache(maxsize=KEPT)(self._begin)

    @cached_property
    def parameters(self) -> list[Parameters]:
        """The weights of each LSTM layer."""
        return [
            Parameters(*(self.checkpoint.tensors[f"lstm.{depth}.{name}"] for name in Parameters._fields))
            for depth in range(self.configuration.layers)
        ]

    def start(self, batch: int = 1, prefix: Sequence[int] = ()) -> State:
        """Return the state of `batch` texts after the prefix (the tokens of the conditions) and `<bos>`."""
        return self._begun(tuple(prefix)).take(np.zeros(batch, np.int64))

    def _begin(self, prefix: tuple[int, ...]) -> State:
        zeros = np.zeros((1, self.configuration.hidden_size), np.float32)
        nothing = np.zeros((1, self.configuration.vocabulary_size), np.float32)
        layers = (zeros,) * (2 * self.configuration.layers)
        state = State(layers, self._bias(prefix)[None], nothing, np.zeros(1))
        for id_ in (*prefix, BOS):
            state = self.step(state, np.array([id_]))
        return state

    def step(self, state: State, ids: Int64[Array, "B"]) -> State:
        """Read one more token of each text, and return the new state."""
        tensors = self.checkpoint.tensors
        x, layers = tensors["embedding.weight"][ids], []
        for depth, parameters in enumerate(self.parameters):
            held = parameters if depth else parameters._replace(bias=state.bias)
            h_prev, c_prev = state.layers[2 * depth : 2 * depth + 2]
            (x, c), _ = step_forward(x, h_prev, c_prev, held, self.configuration.activation)
            layers += [x, c]
        if self.configuration.tied:
            x = x @ tensors["projection.weight"].T
        output = tensors["embedding.weight" if self.configuration.tied else "output.weight"]
        logits = x @ output.T + tensors["output.bias"]
        logits -= logits.max(axis=1, keepdims=True)
        return State(tuple(layers), state.bias, logits, np.log(np.exp(logits).sum(axis=1), dtype=np.float64))

    def _bias(self, prefix: Sequence[int]) -> Float[Array, "G"]:
        """Compute W_p p + b of the first layer, where p is the mean embedding of the prefix."""
        tensor = self.checkpoint.tensor
        bias = tensor("lstm.0.bias")
        if self.configuration.held and prefix:
            # The mean is in float64, so that rounding to float32 hides the order in which BLAS adds.
            p = tensor("embedding.weight", list(prefix)).mean(axis=0, keepdims=True, dtype=np.float64)
            (bias,) = held_bias(p, tensor("lstm.0.weight_ph"), bias)
        return bias.astype(np.float32)

    def record(self, ids: Int64[Array, "T"]) -> list[list[StepCache]]:
        """Return the caches of every layer at all steps of one text; `ids` includes the conditions and `<bos>`."""
        held, recorded = self._bias(ids[: list(ids).index(BOS)].tolist()), []
        x = self.checkpoint.tensors["embedding.weight"][ids][:, None]
        zeros = np.zeros_like(self.parameters[0].weight_hh[:1])
        for parameters in (self.parameters[0]._replace(bias=held), *self.parameters[1:]):
            (x, *_), caches = sequence_forward(x, zeros, zeros, parameters, self.configuration.activation)
            recorded.append(caches)
        return recorded
