"""Generate text as the report does, with its model: continue an opening, line by line, without form or rhyme.

Without the report's fixed length of lines the model sets its own lines, marks and end, as for 詞.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pingze.arrays import Array
from pingze.composing.composer import composer
from pingze.composing.poem import mark_after, punctuate
from pingze.composing.request.input_characters import read_characters
from pingze.composing.request.options import Revising
from pingze.composing.request.request import read_about, read_poet, read_title
from pingze.errors import InputError
from pingze.network.reference import ReferenceNetwork
from pingze.network.vocabulary import EOS, Vocabulary
from pingze.verse.characters import MARKS

MODEL = "report"
"""The model by default."""
LINES, FREE_LINES = 14, 40
"""The most lines by default: of fixed length, and the model's own."""
FREE_CHARACTERS = 1000
"""The most characters and marks of a text whose lines the model sets: it may never end one."""


def generate(
    start: str,
    temperature: float = 0.7,
    split_len: int | None = 6,
    *,
    max_lines: int | None = None,
    title: str | None = None,
    poet: str | None = None,
    about: str | None = None,
    seed: int | None = None,
    model: str | Path = MODEL,
) -> str:
    """Continue a poem from `start`, as the report's `generate('日', temperature=0.7, split_len=6)`.

    The marks ， and 。 alternate, whatever the model would write there. The poem ends when the model ends it after an
    even line, else after `max_lines`. With `split_len` None lines, marks and end are the model's own.

    Args:
        start: The opening, one or more characters that the model knows; with `split_len` None it may be empty.
        temperature: The divisor of the logits, 0 to 100; 0 takes the likeliest character each time.
        split_len: Characters a line, its mark included, from 2: 6 for lines of five, 8 for lines of seven; None leaves
            lines, marks and end to the model.
        max_lines: The most lines, an even number from 2; by default 14, as the report's longest poem, or 40 where the
            model sets them.
        title: A title, or what replaces it in the model's corpus, as the tune of a 詞.
        poet: A poet's manner.
        about: A theme.
        seed: From 0; the same seed writes the same poem.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export; `report` knows no title,
            poet or theme.

    Raises InputError on an opening that is empty, too long or unknown to the model, a number out of its range, or a
    condition that the model does not know; CheckpointError on a model that cannot be read.

    Source: the report, Part 2.
    """
    asked = Revising(title=title, poet=poet, about=about, temperature=temperature, seed=seed)
    if split_len is not None and split_len < 2:
        raise InputError("at_least", field="split_len", has=split_len, wanted=2)
    max_lines = (LINES if split_len else FREE_LINES) if max_lines is None else max_lines
    if max_lines < 2 or max_lines % 2:
        raise InputError("even", field="max_lines", has=max_lines, least=2)
    chosen = composer(model, asked)
    title, about = read_title(title, chosen.vocabulary), read_about(about, chosen.vocabulary)
    poet = read_poet(poet, chosen.vocabulary)
    opening = read_characters("start", start, chosen.vocabulary) if start or split_len else ""
    if split_len and len(opening) > max_lines * (split_len - 1):
        raise InputError("too_long", field="start", has=len(opening), most=max_lines * (split_len - 1))
    sampler = LineSampler(chosen.network, chosen.vocabulary, temperature, np.random.default_rng(seed))
    prefix = chosen.conditions.prefix(None, poet, title, about=about) if title or poet or about else ()
    sampler.start([int(id_) for part in prefix for id_ in part])
    if split_len is None:
        return sampler.free(opening, max_lines)
    return punctuate(sampler.lines(opening, split_len - 1, max_lines, may_end=True))


class LineSampler:
    """Sample lines of Han characters from a model, one character at a time."""

    def __init__(
        self, network: ReferenceNetwork, vocabulary: Vocabulary, temperature: float, rng: np.random.Generator
    ) -> None:
        self.network, self.vocabulary, self.temperature, self.rng = network, vocabulary, temperature, rng
        self.han = np.array([vocabulary.is_han(id_) for id_ in range(len(vocabulary))])
        self.start()

    def start(self, prefix: Sequence[int] = ()) -> None:
        """Begin a new text after the prefix."""
        self.state = self.network.start(prefix=prefix)
        self.log_probability = 0.0

    def lines(self, opening: str, length: int, max_lines: int, *, may_end: bool) -> list[str]:
        """Sample up to `max_lines` lines of `length` characters that begin with `opening`, fewer only if `may_end`.

        Afterwards `log_probability` is ln p of the whole text, marks and `<eos>` included, at temperature 1.
        """
        given = iter(self.vocabulary.encode(opening).tolist())
        left = len(opening)
        lines: list[str] = []
        while len(lines) < max_lines:
            allowed = self.han.copy()
            allowed[EOS] = may_end and len(lines) > 0 and len(lines) % 2 == 0 and left == 0
            ids: list[int] = []
            while len(ids) < length:
                id_ = next(given, None)
                left -= id_ is not None
                id_ = self._draw(allowed) if id_ is None else id_
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

    def free(self, opening: str, max_lines: int) -> str:
        """Sample a text that begins with `opening`, with the model's own marks and end; a sentence is a row."""
        text, marks, given = "", 0, iter(self.vocabulary.encode(opening).tolist())
        han_or_mark = self.han | np.array([token in MARKS for token in self.vocabulary.tokens])
        while marks < max_lines and len(text) < FREE_CHARACTERS:
            id_ = next(given, None)
            if id_ is None:
                ended = text[-1:] in MARKS
                allowed = self.han.copy() if ended else han_or_mark.copy()
                allowed[EOS] = bool(text) and ended
                id_ = self._draw(allowed)
            if id_ == EOS:
                break
            self._advance(id_)
            text += self.vocabulary.tokens[id_]
            marks += text[-1] in MARKS
        return re.sub("([。？！])(?!$)", r"\1\n", text)

    def _draw(self, allowed: Array) -> int:
        logits = np.where(allowed, self.state.logits[0].astype(np.float64), -np.inf)
        if self.temperature == 0:
            return int(logits.argmax())
        # Gumbel's trick: the largest of ln p + noise is a draw from p, at any temperature without overflow.
        scaled = (logits - logits.max()) / self.temperature
        return int((scaled + self.rng.gumbel(size=len(scaled))).argmax())

    def _score(self, id_: int) -> None:
        self.log_probability += float(self.state.log_p[0, id_])

    def _advance(self, id_: int) -> None:
        self._score(id_)
        self.state = self.network.step(self.state, np.array([id_]))
