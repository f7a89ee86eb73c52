"""Run a model with `pingze.lstm.formulas`, and sample one character at a time.

Faster networks are tested against `ReferenceNetwork`, and `--reference` composes with it.
`LineSampler` draws texts from this network or a faster one. Like the report's generator, it knows
neither form nor rhyme.
"""

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from pingze.arrays import Array, Float, Int64
from pingze.cached import cached_property
from pingze.lstm.formulas import Parameters, StepCache, held_bias, sequence_forward, step_forward
from pingze.network.checkpoint import Checkpoint
from pingze.network.vocabulary import BOS, EOS, Vocabulary
from pingze.verse.characters import MARKS, mark_after

KEPT = 16  # maximum number of prefixes for which the state is cached for later poems
FREE_CHARACTERS = 1000
"""The maximum length of a free text, with punctuation marks; the model might never end it."""


@dataclass(frozen=True)
class State:
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
    """The logits of the next token, shifted so that the largest is 0.

    There are no columns until `predict` computes them.
    """
    log_sum: Float[Array, "B"]
    """The log-sum-exp of each text's logits; 0 until `predict` computes it."""

    @classmethod
    def unpredicted(
        cls, layers: Sequence[Float[Array, "B H"]], bias: Float[Array, "R G"]
    ) -> "State":
        """Return a state whose logits are still to be computed."""
        batch = len(layers[0])
        return cls(
            layers=tuple(layers),
            bias=bias,
            logits=np.zeros((batch, 0), np.float32),
            log_sum=np.zeros(batch, np.float32),
        )

    @property
    def h(self) -> Float[Array, "B H"]:
        """The hidden state of the last layer."""
        return self.layers[-2]

    @property
    def log_p(self) -> Float[Array, "B V"]:
        """The next token's log probabilities at temperature 1."""
        return self.logits - self.log_sum[:, None]

    def bias_of(self, rows: Int64[Array, "N"] | slice) -> Float[Array, "M G"]:
        """Return the bias of the texts at the given rows: one row if all texts share it."""
        if len(self.bias) == 1:
            return self.bias
        return self.bias[rows]

    def take(self, rows: Int64[Array, "N"] | slice) -> "State":
        """Return the states of the texts at the given rows.

        Rows may repeat, and a slice of rows copies nothing.
        """
        return State(
            layers=tuple(part[rows] for part in self.layers),
            bias=self.bias_of(rows),
            logits=self.logits[rows],
            log_sum=self.log_sum[rows],
        )


def layer_parameters(tensors: Mapping[str, Array], depth: int) -> Parameters:
    """Return the weights of an LSTM layer from the tensors of a checkpoint."""
    return Parameters(
        weight_ih=tensors[f"lstm.{depth}.weight_ih"],
        weight_hh=tensors[f"lstm.{depth}.weight_hh"],
        bias=tensors[f"lstm.{depth}.bias"],
    )


class ReferenceNetwork:
    """A network that reads texts token by token, with `pingze.lstm.formulas` in float32."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.configuration = checkpoint.configuration
        self._cached_beginning = lru_cache(maxsize=KEPT)(self._begin)

    @cached_property
    def parameters(self) -> list[Parameters]:
        """The weights of each LSTM layer."""
        tensors = self.checkpoint.tensors
        return [layer_parameters(tensors, depth) for depth in range(self.configuration.layers)]

    def start(self, batch: int = 1, prefix: Sequence[int] = ()) -> State:
        """Return the state of `batch` texts after the conditions' tokens (`prefix`) and `<bos>`."""
        of_one_text = self._cached_beginning(tuple(prefix))
        return of_one_text.take(np.zeros(batch, np.int64))

    def _begin(self, prefix: tuple[int, ...]) -> State:
        """Return the state of one text after the conditions' tokens and `<bos>`."""
        zeros = np.zeros((1, self.configuration.hidden_size), np.float32)
        layers = [zeros] * (2 * self.configuration.layers)  # h and c of each layer
        state = State.unpredicted(layers, self._bias(prefix)[None])
        for id_ in prefix:
            state = self.step(state, np.array([id_]))
        return self.step(state, np.array([BOS]))

    def step(self, state: State, ids: Int64[Array, "B"]) -> State:
        """Read one more token of each text, and return the new state."""
        own_rows = np.arange(len(ids))
        return self.predict(self.read(state, own_rows, ids))

    def read(self, state: State, rows: Int64[Array, "B"], ids: Int64[Array, "B"]) -> State:
        """Return the states of texts that each continue a text by one token, without logits.

        Args:
            state: The state of the texts that are continued.
            rows: For each new text, the row in `state` of the text that it continues.
            ids: The token that each new text adds.
        """
        bias = state.bias_of(rows)
        x = self.checkpoint.tensors["embedding.weight"][ids]
        layers = []
        for depth, parameters in enumerate(self.parameters):
            if depth == 0:  # the bias of the first layer depends on a text's conditions
                parameters = parameters._replace(bias=bias)
            h_prev = state.layers[2 * depth][rows]
            c_prev = state.layers[2 * depth + 1][rows]
            (h, c), _ = step_forward(x, h_prev, c_prev, parameters, self.configuration.activation)
            layers += [h, c]
            x = h
        return State.unpredicted(layers, bias)

    def predict(self, state: State) -> State:
        """Return the same state with the logits of the next token."""
        tensors = self.checkpoint.tensors
        if self.configuration.tied:
            x = state.h @ tensors["projection.weight"].T
            weight = tensors["embedding.weight"]
        else:
            x = state.h
            weight = tensors["output.weight"]
        logits = x @ weight.T + tensors["output.bias"]
        logits -= logits.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(logits).sum(axis=1), dtype=np.float64).astype(np.float32)
        return replace(state, logits=logits, log_sum=log_sum)

    def _bias(self, prefix: Sequence[int]) -> Float[Array, "G"]:
        """Compute W_p p + b of the first layer, where p is the mean embedding of the prefix."""
        tensor = self.checkpoint.tensor
        bias = tensor("lstm.0.bias")
        if self.configuration.held and prefix:
            # BLAS adds in an order that depends on the processor. The mean is in float64, so that
            # rounding to float32 hides the order.
            embedded = tensor("embedding.weight", list(prefix))
            p = embedded.mean(axis=0, keepdims=True, dtype=np.float64)
            (bias,) = held_bias(p, tensor("lstm.0.weight_ph"), bias)
        return bias.astype(np.float32)

    def record(self, ids: Int64[Array, "T"]) -> list[list[StepCache]]:
        """Return the caches of all steps of one text, a list for each layer.

        `ids` includes the conditions and `<bos>`.
        """
        prefix_length = ids.tolist().index(BOS)
        bias = self._bias(ids[:prefix_length].tolist())
        x = self.checkpoint.tensors["embedding.weight"][ids][:, None]  # (T, B = 1, E)
        zeros = np.zeros((1, self.configuration.hidden_size), np.float32)
        recorded = []
        for depth, parameters in enumerate(self.parameters):
            if depth == 0:  # the bias of the first layer depends on the text's conditions
                parameters = parameters._replace(bias=bias)
            activation = self.configuration.activation
            # the layer's h at all steps is the x of the next layer
            (x, _, _), caches = sequence_forward(x, zeros, zeros, parameters, activation)
            recorded.append(caches)
        return recorded


@dataclass
class LineSampler:
    """A sampler that draws lines of Han characters from a model, one character at a time."""

    network: ReferenceNetwork
    vocabulary: Vocabulary
    temperature: float
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self.start()

    def start(self, prefix: Sequence[int] = ()) -> None:
        """Begin a new text after a prefix of tokens (`pingze.network.conditions`)."""
        self.state = self.network.start(prefix=prefix)

    def lines(self, opening: str, length: int, max_lines: int, *, may_end: bool) -> list[str]:
        """Complete `opening` to `max_lines` lines of `length` characters.

        If `may_end`, the model may end the text earlier, after any couplet.
        """
        unread = deque(self.vocabulary.encode(opening).tolist())
        lines: list[str] = []
        while len(lines) < max_lines:
            is_after_couplet = len(lines) > 0 and len(lines) % 2 == 0
            allowed = self.vocabulary.is_han.copy()
            allowed[EOS] = may_end and is_after_couplet
            line = ""
            while len(line) < length:
                id_ = self._next(unread, allowed)
                if id_ == EOS:
                    return lines
                allowed[EOS] = False  # the text may not end within a line
                line += self.vocabulary.tokens[id_]
            # The place of the line determines the mark that follows; the model does not choose it.
            self._read(self.vocabulary.ids[mark_after(len(lines))])
            lines.append(line)
        return lines

    def free(self, opening: str, max_lines: int, most: int = FREE_CHARACTERS) -> str:
        """Sample a text that begins with `opening`. The model chooses punctuation and length.

        The text has at most `max_lines` punctuation marks and `most` characters. Each sentence is
        on a line of its own.
        """
        # 1) Find the tokens that may follow. Any token may be followed by a Han character; only a
        # Han character by a mark; only a mark by the end.
        unread = deque(self.vocabulary.encode(opening).tolist())
        han = self.vocabulary.is_han
        after_mark = han.copy()
        after_mark[EOS] = True
        after_han = han.copy()
        for mark in MARKS:
            if mark in self.vocabulary:
                after_han[self.vocabulary.ids[mark]] = True
        # 2) Sample.
        text = ""
        marks = 0
        allowed = han
        while marks < max_lines and len(text) < most:
            id_ = self._next(unread, allowed)
            if id_ == EOS:
                break
            token = self.vocabulary.tokens[id_]
            text += token
            allowed = after_han
            if token in MARKS:
                marks += 1
                allowed = after_mark
        # Begin a new line after each sentence, but not after the last.
        return re.sub("([。？！])(?!$)", r"\1\n", text)

    def _next(self, unread: deque[int], allowed: Array) -> int:
        """Read and return the first token of `unread`, or draw an allowed token if none is left."""
        id_ = unread.popleft() if unread else self._draw(allowed)
        self._read(id_)
        return id_

    def _read(self, id_: int) -> None:
        self.state = self.network.step(self.state, np.array([id_]))

    def _draw(self, allowed: Array) -> int:
        """Draw a token at the temperature; at 0, take the likeliest."""
        logits = np.where(allowed, self.state.logits[0].astype(np.float64), -np.inf)
        if self.temperature == 0:
            return int(logits.argmax())
        # Gumbel's trick: the index of the largest ln p + noise is a draw from p, without overflow
        # at any temperature.
        scaled = (logits - logits.max()) / self.temperature
        return int((scaled + self.rng.gumbel(size=len(scaled))).argmax())
