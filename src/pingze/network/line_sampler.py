"""Sample text from a model one character at a time, in lines whose length is fixed or chosen by the model."""

import re
from collections.abc import Sequence

import numpy as np

from pingze.arrays import Array
from pingze.network.reference import ReferenceNetwork
from pingze.network.vocabulary import EOS, Vocabulary
from pingze.verse.characters import MARKS, mark_after

FREE_CHARACTERS = 1000
"""Maximum number of characters and marks in a text whose lines the model chooses; the model might never end it."""


class LineSampler:
    """A sampler of lines of Han characters from a model, one character at a time."""

    def __init__(
        self, network: ReferenceNetwork, vocabulary: Vocabulary, temperature: float, rng: np.random.Generator
    ) -> None:
        self.network, self.vocabulary, self.temperature, self.rng = network, vocabulary, temperature, rng
        self.han = np.array([vocabulary.is_han(id_) for id_ in range(len(vocabulary))])
        self.start()

    def start(self, prefix: Sequence[int] = ()) -> None:
        """Begin a new text after a prefix of tokens (`pingze.network.conditions`)."""
        self.state = self.network.start(prefix=prefix)
        self.log_probability = 0.0

    def lines(self, opening: str, length: int, max_lines: int, *, may_end: bool) -> list[str]:
        """Sample a text that begins with `opening`: `max_lines` lines of `length` characters, or fewer if `may_end`.

        Set `log_probability` to ln p of the whole text at temperature 1, including marks and `<eos>`.
        """
        given, lines = self.vocabulary.encode(opening).tolist()[::-1], list[str]()
        while len(lines) < max_lines:
            allowed = self.han.copy()
            allowed[EOS] = may_end and len(lines) > 0 and len(lines) % 2 == 0
            ids: list[int] = []
            while len(ids) < length:
                id_ = given.pop() if given else self._draw(allowed)
                if id_ == EOS:
                    self._score(EOS)
                    return lines
                allowed[EOS] = False
                ids.append(id_)
                self._advance(id_)
            self._advance(self.vocabulary.ids[mark_after(len(lines))])
            lines.append(self.vocabulary.decode(ids))
        self._score(EOS)
        return lines

    def free(self, opening: str, max_lines: int, most: int = FREE_CHARACTERS) -> str:
        """Sample a text that begins with `opening`, one sentence per line; the model chooses marks and length."""
        text, given = "", self.vocabulary.encode(opening).tolist()[::-1]
        after_mark, elsewhere = self.han.copy(), self.han.copy()
        elsewhere[[self.vocabulary.ids[mark] for mark in MARKS if mark in self.vocabulary]] = True
        while sum(map(text.count, MARKS)) < max_lines and len(text) < most:
            after_mark[EOS] = bool(text)
            id_ = given.pop() if given else self._draw(after_mark if text[-1:] in MARKS else elsewhere)
            if id_ == EOS:
                break
            self._advance(id_)
            text += self.vocabulary.tokens[id_]
        return re.sub("([。？！])(?!$)", r"\1\n", text)

    def _draw(self, allowed: Array) -> int:
        logits = np.where(allowed, self.state.logits[0].astype(np.float64), -np.inf)
        if self.temperature == 0:
            return int(logits.argmax())
        # Gumbel's trick: the index of the largest ln p + noise is a draw from p, without overflow at any temperature.
        scaled = (logits - logits.max()) / self.temperature
        return int((scaled + self.rng.gumbel(size=len(scaled))).argmax())

    def _score(self, id_: int) -> None:
        self.log_probability += float(self.state.log_p[0, id_])

    def _advance(self, id_: int) -> None:
        self._score(id_)
        self.state = self.network.step(self.state, np.array([id_]))
