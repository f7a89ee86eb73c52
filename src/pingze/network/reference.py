"""Run a model and sample from it in the plain way: with `pingze.lstm.formulas` alone, one character at a time.

Faster networks are tested against `ReferenceNetwork`, and `--reference` composes with it.
`LineSampler` draws texts from this network or a faster one. Like the report's generator, it knows
neither form nor rhyme.
"""

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from pingze.arrays import Array, Float, Int64
from pingze.lstm.formulas import Parameters, StepCache, held_bias, sequence_forward, step_forward
from pingze.network.checkpoint import Checkpoint
from pingze.network.vocabulary import BOS, EOS, Vocabulary
from pingze.verse.characters import MARKS, mark_after

KEPT = 16  # maximum number of prefixes for which the state is cached for later poems
FREE_CHARACTERS = 1000
"""A free text has at most this many characters and punctuation marks, because the model might never end it."""


class State(NamedTuple):
    """The state of a model that has read B texts.

    Its size does not depend on the length of the texts.
    """

    layers: tuple[Float[Array, "B H"], ...]
    """h and c of each layer, starting with the first: h0, c0, h1, c1, …"""
    bias: Float[Array, "R G"]
    """The first layer's bias W_p p + b for conditions p (`formulas.held_bias`).

    R is 1 if all texts share p, else B.
    """
    logits: Float[Array, "B V"]
    """The logits of the next token, shifted so that the largest is 0; no columns until `predict` computes them."""
    log_sum: Float[Array, "B"]
    """The log-sum-exp of each text's logits; 0 until `predict` computes it."""

    @classmethod
    def unpredicted(
        cls, layers: Sequence[Float[Array, "B H"]], bias: Float[Array, "R G"]
    ) -> "State":
        """Return a state whose logits are still to be computed."""
        batch = len(layers[0])
        return cls(
            tuple(layers), bias, np.zeros((batch, 0), np.float32), np.zeros(batch, np.float32)
        )

    @property
    def h(self) -> Float[Array, "B H"]:
        """The hidden state of the last layer."""
        return self.layers[-2]

    @property
    def log_p(self) -> Float[Array, "B V"]:
        """The next token's log probabilities at temperature 1."""
        return self.logits - self.log_sum[:, None]

    def take(self, rows: Int64[Array, "N"] | slice) -> "State":
        """Return the states of the texts at the given rows.

        Rows may repeat, and a slice of rows copies nothing.
        """
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
            bias = np.concatenate(
                [np.broadcast_to(s.bias, (len(s.h), s.bias.shape[1])) for s in states]
            )
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
            Parameters(
                *(self.checkpoint.tensors[f"lstm.{depth}.{name}"] for name in Parameters._fields)
            )
            for depth in range(self.configuration.layers)
        ]

    def start(self, batch: int = 1, prefix: Sequence[int] = ()) -> State:
        """Return the state of `batch` texts after the prefix (the tokens of the conditions) and `<bos>`."""
        return self._begun(tuple(prefix)).take(np.zeros(batch, np.int64))

    def _begin(self, prefix: tuple[int, ...]) -> State:
        zeros = np.zeros((1, self.configuration.hidden_size), np.float32)
        state = State.unpredicted(
            [zeros] * (2 * self.configuration.layers), self._bias(prefix)[None]
        )
        for id_ in (*prefix, BOS):
            state = self.step(state, np.array([id_]))
        return state

    def step(self, state: State, ids: Int64[Array, "B"]) -> State:
        """Read one more token of each text, and return the new state."""
        return self.predict(self.read(state, np.arange(len(ids)), ids))

    def read(self, state: State, rows: Int64[Array, "B"], ids: Int64[Array, "B"]) -> State:
        """Return the states of texts that each continue the text at a row of `state` by one token, without logits."""
        bias = state.bias if len(state.bias) == 1 else state.bias[rows]
        x, layers = self.checkpoint.tensors["embedding.weight"][ids], []
        for depth, parameters in enumerate(self.parameters):
            held = parameters if depth else parameters._replace(bias=bias)
            h_prev, c_prev = (part[rows] for part in state.layers[2 * depth : 2 * depth + 2])
            (x, c), _ = step_forward(x, h_prev, c_prev, held, self.configuration.activation)
            layers += [x, c]
        return State.unpredicted(layers, bias)

    def predict(self, state: State) -> State:
        """Return the same state with the logits of the next token."""
        x, tensors = state.h, self.checkpoint.tensors
        if self.configuration.tied:
            x = x @ tensors["projection.weight"].T
        output = tensors["embedding.weight" if self.configuration.tied else "output.weight"]
        logits = x @ output.T + tensors["output.bias"]
        logits -= logits.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(logits).sum(axis=1), dtype=np.float64).astype(np.float32)
        return state._replace(logits=logits, log_sum=log_sum)

    def _bias(self, prefix: Sequence[int]) -> Float[Array, "G"]:
        """Compute W_p p + b of the first layer, where p is the mean embedding of the prefix."""
        tensor = self.checkpoint.tensor
        bias = tensor("lstm.0.bias")
        if self.configuration.held and prefix:
            # The mean is in float64, so that rounding to float32 hides the order in which BLAS
            # adds.
            p = tensor("embedding.weight", list(prefix)).mean(
                axis=0, keepdims=True, dtype=np.float64
            )
            (bias,) = held_bias(p, tensor("lstm.0.weight_ph"), bias)
        return bias.astype(np.float32)

    def record(self, ids: Int64[Array, "T"]) -> list[list[StepCache]]:
        """Return one list per layer: the caches of all steps of one text.

        `ids` includes the conditions and `<bos>`.
        """
        held, recorded = self._bias(ids[: list(ids).index(BOS)].tolist()), []
        x = self.checkpoint.tensors["embedding.weight"][ids][:, None]
        zeros = np.zeros_like(self.parameters[0].weight_hh[:1])
        for parameters in (self.parameters[0]._replace(bias=held), *self.parameters[1:]):
            (x, *_), caches = sequence_forward(
                x, zeros, zeros, parameters, self.configuration.activation
            )
            recorded.append(caches)
        return recorded


class LineSampler:
    """A sampler that draws lines of Han characters from a model, one character at a time."""

    def __init__(
        self,
        network: ReferenceNetwork,
        vocabulary: Vocabulary,
        temperature: float,
        rng: np.random.Generator,
    ) -> None:
        self.network, self.vocabulary, self.temperature, self.rng = (
            network,
            vocabulary,
            temperature,
            rng,
        )
        self.start()

    def start(self, prefix: Sequence[int] = ()) -> None:
        """Begin a new text after a prefix of tokens (`pingze.network.conditions`)."""
        self.state = self.network.start(prefix=prefix)

    def lines(self, opening: str, length: int, max_lines: int, *, may_end: bool) -> list[str]:
        """Complete `opening` to `max_lines` lines of `length` characters.

        If `may_end`, the text may end earlier.
        """
        given, lines = self.vocabulary.encode(opening).tolist()[::-1], list[str]()
        while len(lines) < max_lines:
            allowed, line = self.vocabulary.is_han.copy(), ""
            allowed[EOS] = may_end and len(lines) > 0 and len(lines) % 2 == 0
            while len(line) < length:
                if (id_ := self._next(given, allowed)) == EOS:
                    return lines
                allowed[EOS] = False
                line += self.vocabulary.tokens[id_]
            self._next([self.vocabulary.ids[mark_after(len(lines))]], allowed)
            lines.append(line)
        return lines

    def free(self, opening: str, max_lines: int, most: int = FREE_CHARACTERS) -> str:
        """Sample a text that begins with `opening`. The model chooses punctuation and length.

        The text has at most `max_lines` punctuation marks and `most` characters. Each sentence is
        on a line of its own.
        """
        text, given = "", self.vocabulary.encode(opening).tolist()[::-1]
        after_mark, elsewhere = self.vocabulary.is_han.copy(), self.vocabulary.is_han.copy()
        elsewhere[[self.vocabulary.ids[mark] for mark in MARKS if mark in self.vocabulary]] = True
        while sum(map(text.count, MARKS)) < max_lines and len(text) < most:
            after_mark[EOS] = bool(text)
            if (id_ := self._next(given, after_mark if text[-1:] in MARKS else elsewhere)) == EOS:
                break
            text += self.vocabulary.tokens[id_]
        return re.sub("([。？！])(?!$)", r"\1\n", text)

    def _next(self, given: list[int], allowed: Array) -> int:
        """Pop the last token of `given`, or else draw an allowed one.

        Feed the token to the network, and return it.
        """
        id_ = given.pop() if given else self._draw(allowed)
        self.state = self.network.step(self.state, np.array([id_]))
        return id_

    def _draw(self, allowed: Array) -> int:
        logits = np.where(allowed, self.state.logits[0].astype(np.float64), -np.inf)
        if self.temperature == 0:
            return int(logits.argmax())
        # Gumbel's trick: the index of the largest ln p + noise is a draw from p, without overflow
        # at any temperature.
        scaled = (logits - logits.max()) / self.temperature
        return int((scaled + self.rng.gumbel(size=len(scaled))).argmax())
