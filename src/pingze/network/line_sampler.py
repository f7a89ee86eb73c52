"""Sample text from a model one character at a time, in lines whose length is fixed or chosen by the model."""

import re
from collections.abc import Sequence

import numpy as np

from pingze.arrays import Array
from pingze.network.reference import ReferenceNetwork
from pingze.network.vocabulary import EOS, Vocabulary
from pingze.verse.characters import MARKS, mark_after

FREE_CHARACTERS = 1000
"""Maximum number of characters and marks in a free text, which the model might otherwise never end."""


class LineSampler:
    """A sampler of lines of Han characters from a model, one character at a time."""

    def __init__(
        self, network: ReferenceNetwork, vocabulary: Vocabulary, temperature: float, rng: np.random.Generator
    ) -> None:
        self.network, self.vocabulary, self.temperature, self.rng = network, vocabulary, temperature, rng
        self.start()

    def start(self, prefix: Sequence[int] = ()) -> None:
        """Begin a new text after a prefix of tokens (`pingze.network.conditions`)."""
        self.state = self.network.start(prefix=prefix)

    def lines(self, opening: str, length: int, max_lines: int, *, may_end: bool) -> list[str]:
        """Sample a text that begins with `opening`: `max_lines` lines of `length` characters, or fewer if `may_end`."""
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
        """Sample a text that begins with `opening`, one sentence per line; the model chooses marks and length."""
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
        """Take the last token off `given`, or draw an allowed token if none is left; then have the network read it."""
        id_ = given.pop() if given else self._draw(allowed)
        self.state = self.network.step(self.state, np.array([id_]))
        return id_

    def _draw(self, allowed: Array) -> int:
        logits = np.where(allowed, self.state.logits[0].astype(np.float64), -np.inf)
        if self.temperature == 0:
            return int(logits.argmax())
        # Gumbel's trick: the index of the largest ln p + noise is a draw from p, without overflow at any temperature.
        scaled = (logits - logits.max()) / self.temperature
        return int((scaled + self.rng.gumbel(size=len(scaled))).argmax())
